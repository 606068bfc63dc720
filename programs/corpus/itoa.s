// Signed numbers to decimal text, digits from the lowest.
// expect: text: .ascii "-9223372036854775808 0 1234567890 "
// expect: x19 = 34
        adr     x19, text
        mov     x20, x19
        mov     x0, #0x8000000000000000
        bl      itoa
        mov     x0, #0
        bl      itoa
        ldr     x0, =1234567890
        bl      itoa
        sub     x19, x19, x20
        brk     #0

// itoa(x0): appends its digits and a blank at x19.
itoa:
        sub     sp, sp, #32
        add     x1, sp, #31
        mov     w2, #' '
        strb    w2, [x1]
        mov     x3, #10
        cmp     x0, #0
        cset    x4, lt
        cneg    x0, x0, lt
digit:
        udiv    x5, x0, x3
        msub    x6, x5, x3, x0
        add     w6, w6, #'0'
        strb    w6, [x1, #-1]!
        mov     x0, x5
        cbnz    x0, digit
        cbz     x4, copy
        mov     w6, #'-'
        strb    w6, [x1, #-1]!
copy:
        ldrb    w6, [x1], #1
        strb    w6, [x19], #1
        cmp     w6, w2
        b.ne    copy
        add     sp, sp, #32
        ret

        .bss
text:
        .skip   40
