// Transposes an 8 x 8 matrix of bits by three exchanges of blocks; twice gives it back.
// expect: x1 = 0x8fb3d5800e3355ff, x0 = 0xf123456789abcde7
        ldr     x0, =0xf123456789abcde7
        bl      transpose
        mov     x1, x0
        bl      transpose
        brk     #0

transpose:
        eor     x2, x0, x0, lsr #7
        ldr     x3, =0x00aa00aa00aa00aa
        and     x2, x2, x3
        eor     x0, x0, x2
        eor     x0, x0, x2, lsl #7
        eor     x2, x0, x0, lsr #14
        ldr     x3, =0x0000cccc0000cccc
        and     x2, x2, x3
        eor     x0, x0, x2
        eor     x0, x0, x2, lsl #14
        eor     x2, x0, x0, lsr #28
        ldr     x3, =0x00000000f0f0f0f0
        and     x2, x2, x3
        eor     x0, x0, x2
        eor     x0, x0, x2, lsl #28
        ret
