// 128-bit sum and difference: the carry goes from the low word to the high word.
// expect: x4 = 0x100, x5 = 0x123456789abceef
// expect: x6 = 0xfffffffffffffd00, x7 = 0x123456789abccf0
// expect: x9 = 0, x10 = 0, x11 = 0, x12 = -0x200, x13 = 0xffffffff, x14 = 1
// expect: x15 = -2, nzcv = 0b1010
        ldr     x0, =0xffffffffffffff00 // a: low word, high word
        ldr     x1, =0x0123456789abcdef
        mov     x2, #0x200              // b
        mov     x3, #0xff
        adds    x4, x0, x2
        adc     x5, x1, x3
        subs    x6, x0, x2
        sbc     x7, x1, x3
        mov     w8, #-1                 // the same in 32 bits
        adds    w9, w8, #1              // 0, carry out
        adcs    w10, w8, wzr            // -1 + 0 + 1: carry out again
        sbcs    w11, wzr, w10           // no borrow
        ngc     x12, x2
        adc     w13, w8, wzr            // -1 + 0 + 1 = 0
        sub     w13, w13, #1
        mov     x14, #1
        mov     x15, #-1
        subs    x15, x15, x14
        brk     #0
