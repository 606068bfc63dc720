// Ways to place 5 queens, with columns and diagonals as bit sets.
// expect: x0 = 10
        mov     x0, #0
        mov     w1, #0                  // columns
        mov     w2, #0                  // diagonals one way
        mov     w3, #0                  // and the other
        bl      place
        brk     #0

place:
        cmp     w1, #0x1f
        b.eq    solved
        orr     w4, w1, w2
        orr     w4, w4, w3
        mov     w5, #0x1f
        bics    w4, w5, w4              // free
        b.eq    stuck
        stp     x29, x30, [sp, #-48]!
queen:
        neg     w5, w4
        and     w5, w5, w4              // lowest free one
        bic     w4, w4, w5
        stp     w1, w2, [sp, #16]
        stp     w3, w4, [sp, #24]
        orr     w1, w1, w5
        orr     w2, w2, w5
        lsl     w2, w2, #1
        orr     w3, w3, w5
        lsr     w3, w3, #1
        bl      place
        ldp     w1, w2, [sp, #16]
        ldp     w3, w4, [sp, #24]
        cbnz    w4, queen
        ldp     x29, x30, [sp], #48
stuck:
        ret
solved:
        add     x0, x0, #1
        ret
