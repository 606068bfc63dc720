// A first-in first-out buffer of four bytes: full, empty, and around its end.
// expect: taken: .byte 1, 2, 3, 4, 6, 7
// expect: ring: .byte 6, 7, 3, 4
// expect: x19 = 2, x20 = 6, x21 = 1
        adr     x9, ring
        mov     w10, #0                 // puts so far
        mov     w11, #0                 // takes so far
        adr     x12, taken
        mov     x19, #0                 // refused for a full buffer
        mov     w20, #0                 // taken
        mov     w21, #0                 // found empty
        mov     w0, #1
        mov     w13, #5
fill:
        bl      put                     // the fifth does not fit
        add     w0, w0, #1
        subs    w13, w13, #1
        b.ne    fill
        mov     w0, #0xee
        bl      put
        bl      take
        bl      take
        mov     w0, #6
        bl      put
        mov     w0, #7
        bl      put
        mov     w13, #5
drain:
        bl      take                    // the fifth is not there
        subs    w13, w13, #1
        b.ne    drain
        brk     #0

put:
        sub     w1, w10, w11
        tbnz    w1, #2, full
        and     w1, w10, #3
        strb    w0, [x9, w1, uxtw]
        add     w10, w10, #1
        ret
full:
        add     x19, x19, #1
        ret

take:
        cmp     w10, w11
        cinc    w21, w21, eq
        b.eq    nothing
        and     w1, w11, #3
        ldrb    w0, [x9, w1, uxtw]
        strb    w0, [x12], #1
        add     w11, w11, #1
        add     w20, w20, #1
nothing:
        ret

        .bss
ring:
        .skip   4
taken:
        .skip   8
