// Extended Euclid: Bezout's coefficients and an inverse modulo a prime.
// expect: x0 = 2, x1 = -9, x2 = 47, x3 = 2, x4 = 31069
        mov     x0, #240
        mov     x1, #46
        bl      bezout
        mov     x5, #240
        mov     x6, #46
        mul     x3, x1, x5              // 240 x + 46 y
        madd    x3, x2, x6, x3
        stp     x0, x1, [sp, #-32]!
        str     x2, [sp, #16]
        mov     x0, #1234
        ldr     x1, =65537
        bl      bezout
        cmp     x1, #0
        ldr     x5, =65537
        add     x4, x1, x5
        csel    x4, x4, x1, lt
        ldr     x2, [sp, #16]
        ldp     x0, x1, [sp], #32
        brk     #0

// bezout(x0, x1): the greatest common divisor in x0, coefficients in x1 and x2.
bezout:
        mov     x7, #1                  // coefficients of x0 ...
        mov     x8, #0
        mov     x9, #0                  // ... and of x1
        mov     x10, #1
divide:
        cbz     x1, ended
        sdiv    x11, x0, x1
        msub    x12, x11, x1, x0
        mov     x0, x1
        mov     x1, x12
        msub    x12, x11, x9, x7
        mov     x7, x9
        mov     x9, x12
        msub    x12, x11, x10, x8
        mov     x8, x10
        mov     x10, x12
        b       divide
ended:
        mov     x1, x7
        mov     x2, x8
        ret
