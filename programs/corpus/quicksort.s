// Recursive quicksort of sixteen signed doublewords, the last element as pivot.
// expect: values: .quad -100, -55, -7, -2, 0, 1, 3, 3, 9, 12, 14, 30, 45, 61, 77, 88
// expect: x0 = 0
        adr     x0, values
        add     x1, x0, #15 * 8
        mov     x19, sp
        bl      sort
        sub     x0, sp, x19
        brk     #0

// sort(x0, x1): sorts from address x0 to address x1, both included.
sort:
        cmp     x0, x1
        b.hs    sorted
        ldr     x2, [x1]                // pivot
        mov     x3, x0                  // where the next smaller one goes
        mov     x4, x0
partition:
        ldr     x5, [x4]
        cmp     x5, x2
        b.ge    larger
        ldr     x6, [x3]
        str     x5, [x3], #8
        str     x6, [x4]
larger:
        add     x4, x4, #8
        cmp     x4, x1
        b.ne    partition
        ldr     x6, [x3]
        str     x2, [x3]
        str     x6, [x1]
        stp     x3, x1, [sp, #-32]!
        str     x30, [sp, #16]
        sub     x1, x3, #8
        bl      sort
        ldp     x3, x1, [sp]
        add     x0, x3, #8
        bl      sort
        ldr     x30, [sp, #16]
        add     sp, sp, #32
sorted:
        ret

        .data
        .balign 8
values:
        .quad   12, -7, 88, 3, 3, -100, 45, 0, 61, -2, 9, 77, -55, 30, 14, 1
