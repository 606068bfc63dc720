// Collatz steps of 7 with TBZ: how many, the largest, the odd ones; then bit 33 of some words.
// expect: x0 = 16, x1 = 52, x2 = 6
// expect: x3 = 2
        mov     x0, #0                  // steps
        mov     x1, #0                  // largest
        mov     x2, #0                  // odd values
        mov     w4, #7
step:
        cmp     x4, x1
        csel    x1, x4, x1, hi
        tbz     w4, #0, even
        add     x2, x2, #1
        sub     w5, w4, #1
        cbz     w5, reached
        add     w4, w4, w4, lsl #1
        add     w4, w4, #1
        add     x0, x0, #1
        b       step
even:
        lsr     w4, w4, #1
        add     x0, x0, #1
        b       step
reached:
        adr     x6, words
        mov     x3, #0
next:
        ldr     x7, [x6], #8
        cbz     x7, done
        tbz     x7, #33, next
        add     x3, x3, #1
        tbnz    x7, #33, next
done:
        brk     #0

        .section .rodata
        .balign 8
words:
        .quad   1 << 33, 5, 3 << 33, 0
