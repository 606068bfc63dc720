// Additions and comparisons whose second operand is a narrower number, extended and shifted.
// expect: x2 = 1512, x3 = 488, x4 = 66408, x5 = 872
// expect: x6 = 4326556392, x7 = 0xfffffff80f0ffbe8
// expect: x8 = 872, x9 = 0x7f0f0468, x10 = 0xfffe42a4fe1e04e8
// expect: x11 = 872, x12 = 0b11, x13 = 5497558139880, x14 = 944
// expect: x15 = 0x3ef, nzcv = 0b0010
        mov     x0, #1000
        ldr     x1, =0xdead80f0ff80
        add     x2, x0, w1, uxtb #2
        add     x3, x0, w1, sxtb #2
        add     x4, x0, w1, uxth
        add     x5, x0, w1, sxth
        add     x6, x0, w1, uxtw #1
        add     x7, x0, w1, sxtw #4
        sub     x8, x0, w1, uxtb
        sub     x9, x0, w1, sxtw
        sub     x10, x0, x1, sxtx #1
        add     w11, w0, w1, sxth
        cmp     x0, w1, sxtb            // 1000 > -128
        cset    x12, gt
        cmn     w0, w1, uxtb            // positive
        cinc    x12, x12, mi
        mov     x16, #5
        add     x13, x0, x16, lsl #40
        mov     w17, #7
        subs    w14, w0, w17, lsl #3
        ldr     x18, =0x9e3779b97f4a7c15
        sub     x15, x0, x18, asr #60
        adds    x19, x15, w17, sxtb #1
        cset    x20, gt
        orr     x12, x12, x20, lsl #1
        subs    x19, x19, x0, lsr #1
        brk     #0
