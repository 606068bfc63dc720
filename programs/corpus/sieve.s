// Sieve of Eratosthenes below 50: how many primes, their sum, and the table.
// expect: x0 = 15, x1 = 328
// expect: composite: .byte 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1
// expect: composite + 13: .byte 0, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1
// expect: composite + 26: .byte 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1
// expect: composite + 39: .byte 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1
        adr     x2, composite
        mov     w3, #1
        strb    w3, [x2]
        strb    w3, [x2, #1]
        mov     x4, #2
factor:
        mul     x5, x4, x4
        cmp     x5, #50
        b.hs    count
        ldrb    w6, [x2, x4]
        cbnz    w6, crossed
cross:
        strb    w3, [x2, x5]
        add     x5, x5, x4
        cmp     x5, #50
        b.lo    cross
crossed:
        add     x4, x4, #1
        b       factor
count:
        mov     x0, #0
        mov     x1, #0
        mov     x4, #50
number:
        sub     x4, x4, #1
        ldrb    w6, [x2, x4]
        cmp     w6, #0
        cinc    x0, x0, eq
        csel    x6, x4, xzr, eq
        add     x1, x1, x6
        cbnz    x4, number
        brk     #0

        .bss
composite:
        .skip   50
