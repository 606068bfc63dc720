// Edit distance of two words, one row of the table at a time.
// expect: x0 = 3
// expect: row: .byte 6, 6, 5, 4, 3, 3, 2, 3
        adr     x1, first
        adr     x2, second
        adr     x3, row
        mov     w4, #0
start:
        strb    w4, [x3, x4]
        add     w4, w4, #1
        cmp     w4, #7
        b.ls    start
        mov     w5, #0                  // letter of the first word
outer:
        ldrb    w6, [x1, x5]
        cbz     w6, done
        ldrb    w7, [x3]                // diagonal
        add     w5, w5, #1
        strb    w5, [x3]
        mov     x8, #0
inner:
        ldrb    w9, [x2, x8]
        cbz     w9, outer
        cmp     w9, w6
        cinc    w10, w7, ne             // replace
        ldrb    w11, [x3, x8]           // left
        add     x8, x8, #1
        ldrb    w7, [x3, x8]            // above, the next diagonal
        cmp     w11, w7
        csel    w11, w11, w7, lo
        add     w11, w11, #1            // insert or delete
        cmp     w10, w11
        csel    w10, w10, w11, lo
        strb    w10, [x3, x8]
        b       inner
done:
        ldrb    w0, [x3, #7]
        brk     #0

        .section .rodata
first:
        .asciz  "kitten"
second:
        .asciz  "sitting"

        .bss
row:
        .skip   8
