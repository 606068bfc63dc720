// Shifts and rotations by immediates and by registers, amounts beyond the width included.
// expect: results: .quad 0x6ef372fe94f82a00, 0x4f1bbcdcbfa53e
// expect: results + 16: .quad 0xffcf1bbcdcbfa53e, 0xacf1bbcdcbfa53e
// expect: results + 32: .quad 0xf1bbcdcbfa53e0a8, 0x13c6ef372fe94f82
// expect: results + 48: .quad 0xf3c6ef372fe94f82, 0xb3c6ef372fe94f82
// expect: words: .word 0x94f82a00, 0x3fa53e, 0x3fa53e, 0xabfa53e
// expect: words + 16: .word 0xfa53e0a8, 0xfe94f82, 0xfe94f82, 0xafe94f82
// expect: x2 = 67
        ldr     x0, =0x9e3779b97f4a7c15
        adr     x1, results
        adr     x3, words
        mov     x2, #67                 // 3 beyond either width
        lsl     x4, x0, #9
        lsr     x5, x0, #9
        stp     x4, x5, [x1]
        asr     x4, x0, #9
        ror     x5, x0, #9
        stp     x4, x5, [x1, #16]
        lsl     x4, x0, x2
        lsr     x5, x0, x2
        stp     x4, x5, [x1, #32]
        asr     x4, x0, x2
        ror     x5, x0, x2
        stp     x4, x5, [x1, #48]
        lsl     w4, w0, #9
        lsr     w5, w0, #9
        stp     w4, w5, [x3]
        asr     w4, w0, #9
        ror     w5, w0, #9
        stp     w4, w5, [x3, #8]
        lsl     w4, w0, w2
        lsr     w5, w0, w2
        stp     w4, w5, [x3, #16]
        asr     w4, w0, w2
        ror     w5, w0, w2
        stp     w4, w5, [x3, #24]
        brk     #0

        .bss
        .balign 8
results:
        .skip   64
words:
        .skip   32
