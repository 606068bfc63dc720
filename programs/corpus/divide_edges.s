// Division, signed and unsigned, both widths: truncation, zero divisors, smallest / -1, remainders.
// expect: x2 = 14, x3 = 2, x4 = -14, x5 = -2, x6 = 0, x7 = 0
// expect: x8 = 0x8000000000000000, x9 = 0x80000000, x10 = 2635249153387078802, x11 = 0
// expect: x12 = 613566742, x13 = 4294967282, x14 = 0, x15 = 18446744073709551516
        mov     x0, #100
        mov     x1, #7
        sdiv    x2, x0, x1
        msub    x3, x2, x1, x0
        mov     x0, #-100
        sdiv    x4, x0, x1              // toward zero
        msub    x5, x4, x1, x0
        sdiv    x6, x0, xzr
        udiv    x7, x0, xzr
        mov     x16, #0x8000000000000000
        mov     x17, #-1
        sdiv    x8, x16, x17
        mov     w18, #0x80000000
        sdiv    w9, w18, w17
        udiv    x10, x17, x1
        udiv    x11, x0, x1
        msub    x11, x11, x1, x0
        udiv    w12, w0, w1
        sdiv    w13, w0, w1
        udiv    w14, w0, wzr
        sdiv    x15, x0, x17            // 100
        udiv    x15, x15, x17           // 0
        add     x15, x15, x0
        brk     #0
