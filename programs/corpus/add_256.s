// Adds two 256-bit numbers in a loop that keeps the carry flag alive between words.
// expect: total: .quad 0x1, 0x0, 0x0, 0x0
// expect: x0 = 1, x5 = 0
        adr     x1, a
        adr     x2, b
        adr     x3, total
        mov     x5, #4
        cmn     xzr, xzr                // carry = 0
next:
        ldr     x6, [x1], #8
        ldr     x7, [x2], #8
        adcs    x6, x6, x7
        str     x6, [x3], #8
        sub     x5, x5, #1
        cbnz    x5, next
        cset    x0, cs
        brk     #0

        .data
        .balign 8
a:
        .quad   0x8000000000000001, 0xffffffffffffffff, 0xffffffffffffffff, 0xfedcba9876543210
b:
        .quad   0x8000000000000000, 0x0, 0x0, 0x123456789abcdef
total:
        .skip   32
