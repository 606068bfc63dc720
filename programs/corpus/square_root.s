// Integer square roots, one result bit at a time.
// expect: roots: .quad 0, 1000, 4294967295, 1048576
        adr     x9, numbers
        adr     x10, roots
        mov     x11, #4
number:
        ldr     x0, [x9], #8
        mov     x1, #0                  // root
        mov     x2, #1 << 62
smaller:
        cmp     x2, x0
        b.ls    bit
        lsr     x2, x2, #2
        cbnz    x2, smaller
bit:
        cbz     x2, store
        add     x3, x1, x2
        lsr     x1, x1, #1
        subs    x4, x0, x3
        csel    x0, x4, x0, hs
        add     x5, x1, x2
        csel    x1, x5, x1, hs
        lsr     x2, x2, #2
        b       bit
store:
        str     x1, [x10], #8
        subs    x11, x11, #1
        b.ne    number
        brk     #0

        .section .rodata
        .balign 8
numbers:
        .quad   0, 1000000, 18446744073709551615, 1099511640121

        .bss
        .balign 8
roots:
        .skip   32
