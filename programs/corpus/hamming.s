// Set bits of a word counted two ways, and the Hamming distance of two words.
// expect: x2 = 35, x3 = 35, x4 = 34
        ldr     x0, =0xf123456789abcde7
        ldr     x1, =0x8badf00ddeadbe5f
        mov     x2, #0
        mov     x5, x0
clear:
        sub     x6, x5, #1
        ands    x5, x5, x6              // the lowest set bit goes
        add     x2, x2, #1
        b.ne    clear
        mov     x7, x0
        bl      count
        mov     x3, x7
        eor     x7, x0, x1
        bl      count
        mov     x4, x7
        brk     #0

// count(x7): sums of 2, 4, 8 bits side by side, then of all bytes by a product.
count:
        lsr     x8, x7, #1
        and     x8, x8, #0x5555555555555555
        sub     x7, x7, x8
        and     x8, x7, #0x3333333333333333
        lsr     x7, x7, #2
        and     x7, x7, #0x3333333333333333
        add     x7, x7, x8
        add     x7, x7, x7, lsr #4
        and     x7, x7, #0x0f0f0f0f0f0f0f0f
        mov     x8, #0x0101010101010101
        mul     x7, x7, x8
        lsr     x7, x7, #56
        ret
