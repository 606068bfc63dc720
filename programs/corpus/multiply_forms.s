// Every multiplication: 128-bit products, multiply-add and -subtract, 32-bit factors.
// expect: x2 = 0xfad1a3fd10addab9, x3 = 0x8391fda340542790, x4 = 0x6c0c82dd7fa9b4a
// expect: x5 = 0xa3, x6 = 0x25, x7 = 0xffffffffffffffc1
// expect: x8 = 0x77c06c0910addab9, x9 = 0xf66dfc310addab9
// expect: x10 = 0x77c06c0910addac0, x11 = 0xf66dfc310addac0
// expect: x12 = 0x883f93f6ef52254e, x13 = 0xf099203cef52254e
// expect: x14 = 0x10addab9, x15 = 0x9a59a8a0, x16 = 0x78fdf32e
// expect: x17 = 0x883f93f6ef522547, x18 = 0xf099203cef522547
        ldr     x0, =0xf123456789abcde7
        ldr     x1, =0x8badf00ddeadbe5f
        mul     x2, x0, x1
        umulh   x3, x0, x1
        smulh   x4, x0, x1
        mov     x19, #7
        mov     x20, #9
        mov     x21, #100
        madd    x5, x19, x20, x21
        msub    x6, x19, x20, x21
        mneg    x7, x19, x20
        umull   x8, w0, w1
        smull   x9, w0, w1
        umaddl  x10, w0, w1, x19
        smaddl  x11, w0, w1, x19
        umsubl  x12, w0, w1, x19
        smsubl  x13, w0, w1, x19
        mul     w14, w0, w1
        madd    w15, w0, w1, w0
        msub    w16, w0, w1, w0
        umnegl  x17, w0, w1
        smnegl  x18, w0, w1
        brk     #0
