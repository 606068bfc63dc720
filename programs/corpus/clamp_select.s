// Absolute value, sign, minimum, maximum and clamping of five numbers without branches.
// expect: absolute: .quad 40, 7, 0, 25, 3
// expect: signs: .quad -1, 1, 0, 1, -1
// expect: clamped: .quad -10, 7, 0, 10, -3
// expect: x0 = -40, x1 = 25, x2 = 39, x15 = 0, x16 = 40
        adr     x10, values
        adr     x11, absolute
        adr     x12, signs
        adr     x13, clamped
        mov     x0, #0x7fffffffffffffff // minimum
        mov     x1, #0x8000000000000000 // maximum
        mov     x8, #10
        mov     x9, #-10
        mov     x14, #5
next:
        ldr     x3, [x10], #8
        cmp     x3, x0
        csel    x0, x3, x0, lt
        cmp     x3, x1
        csel    x1, x3, x1, gt
        cmp     x3, #0
        cneg    x4, x3, lt              // csneg
        str     x4, [x11], #8
        cset    x5, gt                  // csinc
        csinv   x5, x5, xzr, ge         // -1 when negative
        str     x5, [x12], #8
        cmp     x3, x8
        csel    x6, x8, x3, gt
        cmp     x6, x9
        csel    x6, x9, x6, lt
        str     x6, [x13], #8
        sub     x14, x14, #1
        cbnz    x14, next
        mov     w7, #-40
        cmp     w7, wzr
        cinv    w2, w7, mi
        csetm   w15, pl
        csneg   w16, w15, w7, pl        // 40
        brk     #0

        .data
        .balign 8
values:
        .quad   -40, 7, 0, 25, -3
absolute:
        .skip   40
signs:
        .skip   40
clamped:
        .skip   40
