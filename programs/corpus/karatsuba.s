// Karatsuba: 64 bits from three products of halves, beside UMULL; then 128, beside UMULH.
// expect: x2 = 0xb092ab7b88cf5b62, x3 = 0xb092ab7b88cf5b62
// expect: x4 = 0xfad1a3fd10addab9, x5 = 0x8391fda340542790, x6 = 0, x7 = 0
        ldr     w0, =0xdeadbeef
        ldr     w1, =0xcafebabe
        umull   x3, w0, w1
        lsr     w8, w0, #16
        and     w9, w0, #0xffff
        lsr     w10, w1, #16
        and     w11, w1, #0xffff
        mul     x12, x8, x10            // high
        mul     x13, x9, x11            // low
        add     x14, x8, x9
        add     x15, x10, x11
        mul     x14, x14, x15           // (high + low)(high + low)
        sub     x14, x14, x12
        sub     x14, x14, x13
        add     x2, x13, x14, lsl #16
        add     x2, x2, x12, lsl #32

        ldr     x0, =0xf123456789abcde7
        ldr     x1, =0x8badf00ddeadbe5f
        lsr     x8, x0, #32
        and     x9, x0, #0xffffffff
        lsr     x10, x1, #32
        and     x11, x1, #0xffffffff
        mul     x12, x8, x10
        mul     x13, x9, x11
        add     x14, x8, x9
        add     x15, x10, x11
        mul     x16, x14, x15           // 66 bits
        umulh   x17, x14, x15
        subs    x16, x16, x12
        sbc     x17, x17, xzr
        subs    x16, x16, x13
        sbc     x17, x17, xzr
        adds    x4, x13, x16, lsl #32
        extr    x18, x17, x16, #32
        adc     x5, x12, x18
        mul     x6, x0, x1
        umulh   x7, x0, x1
        sub     x6, x6, x4
        sub     x7, x7, x5
        brk     #0
