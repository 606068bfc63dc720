// Selection sort of ten unsigned bytes, the smallest found with CSEL.
// expect: values: .byte 0, 1, 3, 3, 17, 64, 99, 128, 200, 255
        adr     x0, values
        add     x1, x0, #10
place:
        mov     x2, x0
        mov     x3, x0                  // where the smallest is
        ldrb    w4, [x0]
smallest:
        add     x2, x2, #1
        cmp     x2, x1
        b.eq    exchange
        ldrb    w5, [x2]
        cmp     w5, w4
        csel    w4, w5, w4, lo
        csel    x3, x2, x3, lo
        b       smallest
exchange:
        ldrb    w5, [x0]
        strb    w5, [x3]
        strb    w4, [x0], #1
        sub     x6, x1, x0
        cmp     x6, #1
        b.hi    place
        brk     #0

        .data
values:
        .byte   200, 3, 255, 0, 17, 128, 64, 3, 99, 1
