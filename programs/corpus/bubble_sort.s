// Bubble sort of eight signed words; stops after a pass without exchange.
// expect: values: .word -2147483648, -77, -5, 0, 9, 38, 38, 1024
        adr     x0, values
        mov     x1, #7
pass:
        mov     x2, #0                  // exchanges
        mov     x3, x0
        mov     x4, x1
pair:
        ldp     w5, w6, [x3]
        cmp     w5, w6
        b.le    ordered
        stp     w6, w5, [x3]
        mov     x2, #1
ordered:
        add     x3, x3, #4
        subs    x4, x4, #1
        b.ne    pair
        sub     x1, x1, #1
        cbz     x1, done
        cbnz    x2, pass
done:
        brk     #0

        .data
        .balign 4
values:
        .word   38, -5, 1024, 0, -77, 38, 9, -2147483648
