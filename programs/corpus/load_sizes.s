// Loads of every size, zero- and sign-extended to both widths, scaled and unscaled.
// expect: x2 = 0xf8, x3 = -8, x4 = 0xfffffff8, x5 = 0xf6f8
// expect: x6 = 0xfffffffffffff6f8, x7 = 0xfffff6f8
// expect: x8 = 0xf2f4f6f8, x9 = 0xfffffffff2f4f6f8, x10 = 0x81f0f2f4f6f8, x11 = 0xf2f4
// expect: x12 = 0x42, x13 = 0xffffffffffff80ff, x14 = 0xfffffffff2f4f6f8
// expect: x15 = -1, x16 = 0xffffff80
// expect: x17 = 0xffff80ff, x18 = 0xf6f8, x19 = 0x00000080ff420000, x20 = 0x80ff4200
// expect: x21 = -2, x22 = 0xfffffffe, x23 = 0x80, x24 = 0xffffffffffffff80
// expect: x25 = 0xf2f4f6f8, x26 = 0x81f0f2f4f6f8
// expect: x27 = 0x80ff, x28 = 0xffffffffffff80ff, x29 = 0xffffff80, x30 = 0xffff80ff
        adrp    x0, data
        add     x0, x0, :lo12:data
        ldrb    w2, [x0]
        ldrsb   x3, [x0]
        ldrsb   w4, [x0]
        ldrh    w5, [x0]
        ldrsh   x6, [x0]
        ldrsh   w7, [x0]
        ldr     w8, [x0]
        ldrsw   x9, [x0]
        ldr     x10, [x0]
        add     x1, x0, #8
        ldurh   w11, [x1, #-6]
        ldurb   w12, [x1]
        ldursh  x13, [x1, #1]
        ldursw  x14, [x1, #-8]
        ldursb  x15, [x1, #1]
        ldursb  w16, [x1, #2]
        ldursh  w17, [x1, #1]
        ldtrh   w18, [x0]
        ldur    x19, [x1, #-2]
        ldur    w20, [x1, #-1]
        ldrsw   x21, minus_two          // by the distance from here
        ldr     w22, minus_two
        ldtrb   w23, [x1, #2]
        ldtrsb  x24, [x1, #2]
        ldtr    w25, [x0]
        ldtr    x26, [x0]
        ldrh    w27, [x1, #1]!
        ldtrsh  x28, [x1]
        ldtrsb  w29, [x1, #1]
        ldtrsh  w30, [x1]
        prfm    pldl1keep, [x0]
        prfum   pldl1keep, [x0, #1]
        ldtrsw  x0, [x0]
        ldr     x1, far
        brk     #0
minus_two:
        .word   -2
        .balign 8
far:
        .quad   0x0123456789abcdef

        .data
        .balign 8
data:
        .quad   0x81f0f2f4f6f8
        .byte   0x42, 0xff, 0x80
