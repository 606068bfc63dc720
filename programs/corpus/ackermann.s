// Ackermann's function of 2 and 2: two nested calls to itself.
// expect: x0 = 7
        mov     x0, #2
        mov     x1, #2
        bl      ackermann
        brk     #0

ackermann:
        cbz     x0, base
        stp     x29, x30, [sp, #-32]!
        str     x0, [sp, #16]
        cbz     x1, inner_one
        sub     x1, x1, #1
        bl      ackermann
        mov     x1, x0
        ldr     x0, [sp, #16]
        b       outer
inner_one:
        mov     x1, #1
outer:
        sub     x0, x0, #1
        bl      ackermann
        ldp     x29, x30, [sp], #32
        ret
base:
        add     x0, x1, #1
        ret
