// Every way to form an address: offset, index, extended index, before and after.
// expect: x0 = 54336, x2 = 8, x3 = 0, x12 = 16
// expect: words: .word 1, 2, 3, 7, 5, 6, 7, 9
// expect: bytes: .byte 5, 6, 7, 8, 8, 0
        adr     x1, words
        mov     x0, #0
        mov     x2, #0
        mov     x3, #8
next:
        ldr     w4, [x1, x2, lsl #2]    // index
        add     x0, x0, x4
        add     x2, x2, #1
        sub     x3, x3, #1
        cbnz    x3, next
        ldr     w4, [x1, #8]            // offset: 3
        mov     w5, #100
        madd    x0, x4, x5, x0
        add     x6, x1, #32
        mov     w7, #-5
        ldr     w4, [x6, w7, sxtw #2]   // 4, from the end
        mov     w5, #1000
        madd    x0, x4, x5, x0
        mov     x8, x1
        ldrsw   x4, [x8, #16]!          // 5, base moved before
        mov     w5, #10000
        madd    x0, x4, x5, x0
        ldr     w4, [x8, #8]!           // 7
        sub     x8, x8, #12
        str     w4, [x8], #16           // over 4
        mov     w4, #9
        str     w4, [x8, #0]
        sub     x12, x8, x1
        sub     x12, x12, #12
        adr     x9, bytes
        mov     x10, #5
        strb    w10, [x9], #1
        add     w10, w10, #1
        strb    w10, [x9], #1
        add     w10, w10, #1
        strb    w10, [x9, xzr]
        add     w10, w10, #1
        strb    w10, [x9, #1]!
        ldrb    w11, [x9], #1
        mov     w10, #0
        strb    w11, [x9, w10, uxtw]
        brk     #0

        .data
        .balign 4
words:
        .word   1, 2, 3, 4, 5, 6, 7, 8
bytes:
        .skip   6
