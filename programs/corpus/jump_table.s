// A calculator: operations picked from a table of offsets, then from a table of addresses.
// expect: results: .quad 12, 6, 27, 3, 0, 12, 6, 27, 3
        adr     x5, results
        mov     x4, #0
again:
        mov     x0, #9
        mov     x1, #3
        bl      calculate
        str     x0, [x5], #8
        add     x4, x4, #1
        cmp     x4, #5
        b.lo    again
        adr     x6, functions
        mov     x4, #4
call:
        mov     x0, #9
        mov     x1, #3
        ldr     x7, [x6], #8
        blr     x7
        str     x0, [x5], #8
        subs    x4, x4, #1
        b.ne    call
        brk     #0

// calculate(x0, x1, x4): operation x4; 0 where there is none.
calculate:
        cmp     x4, #4
        b.hs    none
        adr     x2, offsets
        ldrsw   x3, [x2, x4, lsl #2]
        add     x2, x2, x3
        br      x2
plus:
        add     x0, x0, x1
        ret
minus:
        sub     x0, x0, x1
        ret
times:
        mul     x0, x0, x1
        ret
over:
        udiv    x0, x0, x1
        ret
none:
        mov     x0, #0
        ret     x30

        .section .rodata
        .balign 8
functions:
        .quad   plus, minus, times, over
offsets:
        .word   plus - offsets, minus - offsets, times - offsets, over - offsets

        .bss
        .balign 8
results:
        .skip   72
