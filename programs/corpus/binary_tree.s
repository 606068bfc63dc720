// A binary search tree: inserts nine numbers, walks it in order, measures its depth.
// expect: sorted: .word 10, 20, 25, 27, 30, 50, 60, 70, 80
// expect: x0 = 5, x2 = 9
        adr     x9, numbers
        mov     x10, #9
        adr     x1, root
        adr     x8, nodes               // the next free one: left, right, key
insert:
        ldr     w3, [x9], #4
        mov     x4, x1
descend:
        ldr     x5, [x4]
        cbz     x5, empty
        ldr     w6, [x5, #16]
        cmp     w3, w6
        cset    x6, gt
        add     x4, x5, x6, lsl #3
        b       descend
empty:
        str     x8, [x4]
        str     w3, [x8, #16]
        add     x8, x8, #24
        sub     x10, x10, #1
        cbnz    x10, insert
        ldr     x0, [x1]
        adr     x2, sorted
        bl      walk
        adr     x3, sorted
        sub     x2, x2, x3
        lsr     x2, x2, #2
        brk     #0

// walk(x0): appends the keys at x2; its depth in x0.
walk:
        cbz     x0, leaf
        stp     x30, x0, [sp, #-32]!
        ldr     x0, [x0]
        bl      walk
        str     x0, [sp, #16]
        ldr     x3, [sp, #8]
        ldr     w4, [x3, #16]
        str     w4, [x2], #4
        ldr     x0, [x3, #8]
        bl      walk
        ldr     x3, [sp, #16]
        cmp     x0, x3
        csel    x0, x0, x3, hi
        add     x0, x0, #1
        ldr     x30, [sp], #32
leaf:
        ret

        .section .rodata
        .balign 4
numbers:
        .word   50, 20, 70, 10, 30, 60, 80, 25, 27

        .bss
        .balign 8
root:
        .skip   8
nodes:
        .skip   9 * 24
sorted:
        .skip   9 * 4
