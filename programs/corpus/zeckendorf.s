// Writes 1000 as a sum of Fibonacci numbers, no two of them neighbours; bit k stands for F(k + 2).
// expect: x0 = 0b100000000100000, x1 = 0, x2 = 1000
        mov     x1, #1000
        mov     x3, #1                  // F(2)
        mov     x4, #2                  // F(3)
        mov     x5, #0                  // k
larger:
        cmp     x4, x1
        b.hi    choose
        add     x6, x3, x4
        mov     x3, x4
        mov     x4, x6
        add     x5, x5, #1
        b       larger
choose:
        mov     x0, #0
        mov     x2, #0
        mov     x7, #1
term:
        cmp     x3, x1
        b.hi    skip
        sub     x1, x1, x3
        add     x2, x2, x3
        lsl     x8, x7, x5
        orr     x0, x0, x8
skip:
        sub     x6, x4, x3
        mov     x4, x3
        mov     x3, x6
        subs    x5, x5, #1
        b.pl    term
        brk     #0
