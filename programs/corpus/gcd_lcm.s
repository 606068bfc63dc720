// Greatest common divisor by Euclid and by Stein's shifts, and the least common multiple.
// expect: x2 = 252, x3 = 52920, x4 = 252
        mov     x0, #3528
        mov     x1, #3780
        mov     x5, x0
        mov     x2, x1
euclid:
        udiv    x6, x5, x2
        msub    x6, x6, x2, x5
        mov     x5, x2
        mov     x2, x6
        cbnz    x2, euclid
        mov     x2, x5
        udiv    x3, x0, x2
        mul     x3, x3, x1
        orr     x7, x0, x1              // Stein: common factors of two
        rbit    x7, x7
        clz     x7, x7
        rbit    x8, x0
        clz     x8, x8
        lsr     x4, x0, x8              // odd
        mov     x9, x1
odd:
        rbit    x8, x9
        clz     x8, x8
        lsr     x9, x9, x8
        subs    x10, x9, x4
        csel    x4, x4, x9, hs          // the smaller
        cneg    x9, x10, lo             // the distance
        cbnz    x9, odd
        lsl     x4, x4, x7
        brk     #0
