// Binary search in sixteen sorted words: two that are there, one that is not.
// expect: x19 = 12, x20 = 0, x21 = -1
        mov     w1, #41
        bl      search
        mov     x19, x0
        mov     w1, #2
        bl      search
        mov     x20, x0
        mov     w1, #42
        bl      search
        mov     x21, x0
        brk     #0

// search(w1): its index, or -1.
search:
        adr     x2, primes
        mov     x3, #0                  // from here
        mov     x4, #16                 // to before here
halve:
        cmp     x3, x4
        b.hs    missing
        add     x0, x3, x4
        lsr     x0, x0, #1
        ldr     w5, [x2, x0, lsl #2]
        cmp     w5, w1
        b.eq    found
        csinc   x3, x3, x0, hi          // x0 + 1 where the element is smaller
        csel    x4, x0, x4, hi
        b       halve
missing:
        mov     x0, #-1
found:
        ret

        .section .rodata
        .balign 4
primes:
        .word   2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53
