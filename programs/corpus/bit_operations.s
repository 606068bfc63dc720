// Leading zeros and signs, reversed bits and bytes, in both widths.
// expect: x1 = 4, x2 = 0x1e965ad23cb478f0, x3 = 0x78695a4b3c2d1e0f, x4 = 0x3c2d1e0f78695a4b
// expect: x5 = 0x1e0f3c2d5a4b7869, x6 = 3, x7 = 1, x8 = 0x1e965ad2, x9 = 0x78695a4b
// expect: x10 = 0x5a4b7869, x11 = 0, x12 = 64, x13 = 32, x14 = 63, x15 = 31, x16 = 3
        ldr     x0, =0x0f1e2d3c4b5a6978
        clz     x1, x0
        rbit    x2, x0
        rev     x3, x0
        rev32   x4, x0
        rev16   x5, x0
        cls     x6, x0
        clz     w7, w0
        rbit    w8, w0
        rev     w9, w0
        rev16   w10, w0
        cls     w11, w0
        clz     x12, xzr
        clz     w13, wzr
        mov     x17, #-1
        cls     x14, x17
        cls     w15, w17
        rbit    x16, x0                 // trailing zeros
        clz     x16, x16
        brk     #0
