// Decimal texts to signed numbers: blanks, signs, the first other character ends them.
// expect: x19 = 1234567890123, x20 = -9223372036854775808, x21 = 42, x22 = 0
        adr     x0, plain
        bl      atoi
        mov     x19, x0
        adr     x0, smallest
        bl      atoi
        mov     x20, x0
        adr     x0, padded
        bl      atoi
        mov     x21, x0
        adr     x0, word
        bl      atoi
        mov     x22, x0
        brk     #0

atoi:
        mov     x1, #0
        mov     x4, #10
blank:
        ldrb    w2, [x0], #1
        cmp     w2, #' '
        b.eq    blank
        mov     w5, #'+'
        cmp     w2, #'-'
        cset    x3, eq
        ccmp    w2, w5, #0b0100, ne     // either of the two
        b.ne    digit
        ldrb    w2, [x0], #1
digit:
        sub     w2, w2, #'0'
        cmp     w2, #9
        b.hi    ended
        madd    x1, x1, x4, x2
        ldrb    w2, [x0], #1
        b       digit
ended:
        cmp     x3, #0
        cneg    x0, x1, ne
        ret

        .section .rodata
plain:
        .asciz  "1234567890123"
smallest:
        .asciz  "-9223372036854775808"
padded:
        .asciz  "   +42 is the answer"
word:
        .asciz  "forty-two"
