// Moves of the towers of Hanoi with 5 discs; the three pegs end as counts of discs.
// expect: x0 = 31
// expect: pegs: .word 0, 0, 5
        mov     x0, #0                  // moves
        adr     x9, pegs
        mov     x1, #5                  // discs
        mov     x2, #0                  // from
        mov     x3, #2                  // to
        mov     x4, #1                  // by way of
        bl      move
        brk     #0

move:
        cbz     x1, moved
        stp     x30, x1, [sp, #-48]!
        stp     x2, x3, [sp, #16]
        str     x4, [sp, #32]
        sub     x1, x1, #1
        mov     x5, x3
        mov     x3, x4
        mov     x4, x5
        bl      move
        ldp     x2, x3, [sp, #16]
        ldr     w6, [x9, x2, lsl #2]
        sub     w6, w6, #1
        str     w6, [x9, x2, lsl #2]
        ldr     w6, [x9, x3, lsl #2]
        add     w6, w6, #1
        str     w6, [x9, x3, lsl #2]
        add     x0, x0, #1
        ldr     x1, [sp, #8]
        ldr     x4, [sp, #32]
        sub     x1, x1, #1
        mov     x5, x2
        mov     x2, x4
        mov     x4, x5
        bl      move
        ldp     x30, x1, [sp], #48
moved:
        ret

        .data
        .balign 4
pegs:
        .word   5, 0, 0
