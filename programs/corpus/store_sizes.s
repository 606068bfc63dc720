// Stores of every size at every alignment; what is around them stays.
// expect: out: .byte 0xf8, 0x55, 0xf8, 0xf6, 0xf8, 0xf6, 0xf4, 0xf2
// expect: out + 8: .byte 0xf8, 0xf6, 0xf4, 0xf2, 0xf0, 0x81, 0, 0
// expect: out + 16: .byte 0xf8, 0xf8, 0xf6, 0xf8, 0xf6, 0xf4, 0xf2, 0x55, 0x55
// expect: out + 25: .byte 0xf8, 0xf6, 0xf4, 0xf2, 0xf0, 0x81, 0, 0
// expect: out + 33: .byte 0xf8, 0x55, 0xf8, 0xf6, 0x55, 0xf8, 0xf6, 0xf4, 0xf2, 0x55, 0x55, 0x55
// expect: out + 45: .byte 0xf8, 0xf6, 0xf4, 0xf2, 0xf0, 0x81, 0, 0, 0x55, 0x55, 0x55, 0, 0
        adr     x1, out
        ldr     x10, =0x81f0f2f4f6f8
        strb    w10, [x1]
        strh    w10, [x1, #2]
        str     w10, [x1, #4]
        str     x10, [x1, #8]
        add     x1, x1, #16
        sturb   w10, [x1]
        sturh   w10, [x1, #1]
        stur    w10, [x1, #3]
        stur    x10, [x1, #9]
        add     x1, x1, #17
        sttrb   w10, [x1]
        sttrh   w10, [x1, #2]
        sttr    w10, [x1, #5]
        sttr    x10, [x1, #12]
        strh    wzr, [x1, #23]!
        brk     #0

        .data
        .balign 8
out:
        .fill   64, 1, 0x55
