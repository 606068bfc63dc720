// Run-length encoding and decoding of a text.
// expect: encoded: .asciz "w6b1w3b4"
// expect: decoded: .asciz "wwwwwwbwwwbbbb"
// expect: x0 = 8, x1 = 14
        adr     x2, text
        adr     x3, encoded
run:
        ldrb    w4, [x2], #1
        cbz     w4, encoded_all
        mov     w5, #'1'
longer:
        ldrb    w6, [x2]
        cmp     w6, w4
        b.ne    write
        add     w5, w5, #1
        add     x2, x2, #1
        b       longer
write:
        orr     w4, w4, w5, lsl #8
        strh    w4, [x3], #2
        b       run
encoded_all:
        strb    wzr, [x3]
        adr     x2, encoded
        sub     x0, x3, x2
        adr     x3, decoded
pair:
        ldrb    w4, [x2], #1
        cbz     w4, decoded_all
        ldrb    w5, [x2], #1
        sub     w5, w5, #'0'
repeat:
        strb    w4, [x3], #1
        sub     w5, w5, #1
        cbnz    w5, repeat
        b       pair
decoded_all:
        strb    wzr, [x3]
        adr     x2, decoded
        sub     x1, x3, x2
        brk     #0

        .section .rodata
text:
        .asciz  "wwwwwwbwwwbbbb"

        .bss
        .balign 2
encoded:
        .skip   16
decoded:
        .skip   16
