// Product of two 3 x 3 matrices of signed words.
// expect: product: .word -22, 13, 13, 59, -22, -27, -44, 95, 119
// expect: x0 = 75
        adr     x1, left
        adr     x3, product
        mov     x0, #0
        mov     x4, #0                  // row
row:
        mov     x5, #0                  // column
column:
        adr     x2, right
        add     x2, x2, x5, lsl #2
        mov     x6, #3
        mov     x7, #0
term:
        ldrsw   x8, [x1], #4
        ldrsw   x9, [x2], #12
        madd    x7, x8, x9, x7
        subs    x6, x6, #1
        b.ne    term
        sub     x1, x1, #12
        str     w7, [x3], #4
        cmp     x4, x5
        csel    x7, x7, xzr, eq         // the trace
        add     x0, x0, x7
        add     x5, x5, #1
        cmp     x5, #3
        b.ne    column
        add     x1, x1, #12
        add     x4, x4, #1
        cmp     x4, #3
        b.ne    row
        brk     #0

        .data
        .balign 4
left:
        .word   1, -2, 3, 4, 5, -6, -7, 8, 9
right:
        .word   2, 0, -1, 3, 4, 5, -6, 7, 8
product:
        .skip   36
