// NZCV after additions, subtractions and logic at the edges, and every condition after one compare.
// expect: flags: .byte 0b1001, 0b0110, 0b0111, 0b1000, 0b0110, 0b0011
// expect: flags + 6: .byte 0b1001, 0b1001, 0b0100, 0b1000, 0b0110
// expect: x0 = 0b10100110010110, nzcv = 0b1010
        adr     x9, flags
        mov     x1, #0x7fffffffffffffff
        mov     x2, #0x8000000000000000
        mov     x3, #-1
        adds    xzr, x1, #1             // largest + 1
        bl      save
        adds    xzr, x3, #1             // -1 + 1
        bl      save
        adds    xzr, x2, x2             // smallest + smallest
        bl      save
        subs    xzr, xzr, x3, lsr #63   // 0 - 1
        bl      save
        cmp     x1, x1
        bl      save
        subs    xzr, x2, #1             // smallest - 1
        bl      save
        mov     w4, #0x7fffffff
        adds    wzr, w4, #1             // the same in 32 bits
        bl      save
        mov     w5, #0x80000000
        negs    wzr, w5                 // 0 - smallest
        bl      save
        ands    xzr, x1, x2
        bl      save
        tst     w5, #0xf0000000
        bl      save
        cmn     x3, #1
        bl      save

        mov     x0, #0
        cmp     x3, #1                  // -1 and 1: C and N
        cset    x1, eq
        orr     x0, x0, x1
        cset    x1, ne
        orr     x0, x0, x1, lsl #1
        cset    x1, hs
        orr     x0, x0, x1, lsl #2
        cset    x1, lo
        orr     x0, x0, x1, lsl #3
        cset    x1, mi
        orr     x0, x0, x1, lsl #4
        cset    x1, pl
        orr     x0, x0, x1, lsl #5
        cset    x1, vs
        orr     x0, x0, x1, lsl #6
        cset    x1, vc
        orr     x0, x0, x1, lsl #7
        cset    x1, hi
        orr     x0, x0, x1, lsl #8
        cset    x1, ls
        orr     x0, x0, x1, lsl #9
        cset    x1, ge
        orr     x0, x0, x1, lsl #10
        cset    x1, lt
        orr     x0, x0, x1, lsl #11
        cset    x1, gt
        orr     x0, x0, x1, lsl #12
        cset    x1, le
        orr     x0, x0, x1, lsl #13
        brk     #0

// Appends the flags to the table; calls leave them alone.
save:
        mrs     x10, nzcv
        lsr     x10, x10, #28
        strb    w10, [x9], #1
        ret

        .bss
flags:
        .skip   11
