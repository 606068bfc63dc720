// Takes an RGB565 pixel apart, puts RGBA8888 together, and cuts fields across register pairs.
// expect: x1 = 21, x2 = 44, x3 = 9, x4 = 0xff48b0a8
// expect: x5 = -11, x6 = 0xabcd000000001234, x7 = 0xbcde78badf00ddea
// expect: x8 = 0xde7deadb, x9 = 0xfffffffffffff680
// expect: x10 = 0x5800, x11 = 0x345600, x12 = 0xffffff80, x13 = 0x1234abcd5678ffff
        ldr     w0, =21 << 11 | 44 << 5 | 9// 5 bits red, 6 green, 5 blue
        ubfx    w1, w0, #11, #5
        ubfx    w2, w0, #5, #6
        ubfx    x3, x0, #0, #5
        mov     w4, #0xff000000
        bfi     w4, w1, #3, #5
        bfi     w4, w2, #10, #6
        bfi     x4, x3, #19, #5
        sbfx    x5, x0, #11, #5
        mov     x6, #0x1234
        mov     x7, #0xabcd
        bfi     x6, x7, #48, #16
        ldr     x14, =0xf123456789abcde7
        ldr     x15, =0x8badf00ddeadbe5f
        extr    x7, x14, x15, #20
        extr    w8, w14, w15, #12
        mov     x9, #0x2d
        sbfiz   x9, x9, #7, #6          // the highest bit of the field is the sign
        mov     x10, #11
        ubfiz   x10, x10, #11, #4
        ldr     w16, =0x12345678
        ubfx    w11, w16, #8, #16
        lsl     w11, w11, #8
        mov     w12, #0x80
        sxtb    w12, w12
        mov     x13, #0x1234000000000000
        movk    x13, #0x5678, lsl #16
        movk    x13, #0xabcd, lsl #32
        movk    x13, #0xffff
        bfxil   w16, w13, #16, #8
        brk     #0
