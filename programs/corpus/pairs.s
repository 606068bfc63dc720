// Pairs of registers: saved and restored around a call, sign-extended, with every write-back.
// expect: x0 = 11, x1 = 22, x2 = 0xffffffff80000001, x3 = 0x7fffffff
// expect: x4 = 0x80000001, x5 = 0x7fffffff
// expect: x6 = 33, x7 = 44, x8 = 33, x9 = 44, x19 = 1, x20 = 2, x29 = 0, x12 = 0
// expect: block: .quad 11, 22, 33, 44, 11, 22, 0x7fffffff80000001
        adr     x10, block
        mov     x19, #1
        mov     x20, #2
        mov     x21, sp
        mov     x0, #11
        mov     x1, #22
        bl      store
        stp     x0, x1, [x10, #-16]!    // before
        mov     x6, #33
        mov     x7, #44
        stnp    x6, x7, [x10, #16]
        ldp     x0, x1, [x10], #16      // after
        ldnp    x8, x9, [x10]
        stp     x0, x1, [x10, #16]
        adr     x11, halves
        ldpsw   x2, x3, [x11]
        ldp     w4, w5, [x11], #8
        stp     w4, w5, [x10, #32]
        ldpsw   x13, x14, [x11, #-8]!
        ldpsw   x13, x14, [x11], #8
        ldp     w13, w14, [x11, #-8]!
        stp     w13, w14, [x11], #-8
        stp     w13, w14, [x11, #8]!
        ldnp    w13, w14, [x11]
        stnp    w13, w14, [x11, #8]
        ldp     x15, x16, [x10, #-16]!
        mov     x12, sp
        sub     x12, x21, x12           // the stack is back where it was
        brk     #0

// Spoils x19 and x20 and gives them back.
store:
        stp     x29, x30, [sp, #-32]!
        stp     x19, x20, [sp, #16]
        add     x10, x10, #16
        mov     x19, #-1
        mov     x20, #-1
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #32
        ret

        .data
        .balign 8
halves:
        .word   0x80000001, 0x7fffffff
        .skip   32
block:
        .skip   64
