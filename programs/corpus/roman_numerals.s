// 1994 in Roman numerals, from a table of values and letters.
// expect: text: .asciz "MCMXCIV"
// expect: x0 = 7
        mov     w0, #1994
        adr     x1, table
        adr     x2, text
value:
        ldrh    w3, [x1]
again:
        cmp     w0, w3
        b.lo    smaller
        sub     w0, w0, w3
        ldrb    w4, [x1, #2]
        strb    w4, [x2], #1
        ldrb    w4, [x1, #3]
        cbz     w4, again
        strb    w4, [x2], #1
        b       again
smaller:
        add     x1, x1, #4
        cbnz    w0, value
        strb    wzr, [x2]
        adr     x3, text
        sub     x0, x2, x3
        brk     #0

        .section .rodata
        .balign 4
table:
        .hword  1000, 'M', 900, 'C' | 'M' << 8, 500, 'D', 400, 'C' | 'D' << 8
        .hword  100, 'C', 90, 'X' | 'C' << 8, 50, 'L', 40, 'X' | 'L' << 8
        .hword  10, 'X', 9, 'I' | 'X' << 8, 5, 'V', 4, 'I' | 'V' << 8, 1, 'I'

        .bss
text:
        .skip   16
