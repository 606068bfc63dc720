// Every logical operation, with immediates, shifted and rotated operands, in both widths.
// expect: x2 = 0x8121400588a98c47, x3 = 0xfbaff56fdfafffff, x4 = 0x7a8eb56a570673b8
// expect: x5 = 0x70020562010241a0, x6 = 0xf5734ff7a9fbcde7, x7 = 0x85714a95a8f98c47
// expect: x8 = 0x120056009a00de0, x9 = 0xfbabefefababefef
// expect: x10 = 0xf123ba9889ab3218, x11 = 0xd100456289a1c000
// expect: x12 = 0x89bfdfff, x13 = 0x2ac6bddd56ab100d
// expect: x14 = 0, x15 = 0x88a15fea
// expect: x16 = 0xf12375778ffbedf7, x17 = 0x80a0c0e0
// expect: x21 = 0xd122416588aacd00, x22 = 0x2a4824, x23 = 0xbffff46dfefdbf7f
// expect: x18 = 0x74520ff2215241a0, x19 = 0b0101, nzcv = 0
        ldr     x0, =0xf123456789abcde7
        ldr     x1, =0x8badf00ddeadbe5f
        and     x2, x0, x1
        orr     x3, x0, x1
        eor     x4, x0, x1
        bic     x5, x0, x1
        orn     x6, x0, x1
        eon     x7, x0, x1
        and     x8, x0, #0x0ff00ff00ff00ff0
        orr     x9, x0, #0xaaaaaaaaaaaaaaaa
        eor     x10, x0, #0x0000ffff0000ffff
        and     x11, x0, x1, lsl #12
        orr     w12, w0, w1, lsr #7
        eor     x13, x0, x1, ror #20
        bics    w14, w0, w0, ror #0     // nothing is left: Z
        cset    x19, eq
        eon     w15, w0, w1, ror #5
        orn     x16, x0, x1, asr #16
        ands    w17, w0, #0xf0f0f0f0
        cset    x20, eq
        orr     x19, x19, x20, lsl #1
        mvn     x18, x1
        tst     x0, x1, lsr #1
        cset    x20, ne
        orr     x19, x19, x20, lsl #2
        ands    x20, x1, x0, ror #60
        orn     x20, x20, x0, ror #4
        ands    x20, x0, x1, ror #36
        and     x21, x0, x1, ror #36
        bic     w22, w0, w1, ror #3
        orr     x23, x1, x0, ror #11
        tst     x1, #0x8000000000000000
        bics    xzr, x1, x0
        brk     #0
