// One number as hexadecimal, binary and base-36 text.
// expect: hexadecimal: .ascii "deadbeef"
// expect: binary: .ascii "11011110101011011011111011101111"
// expect: thirty_six: .ascii "1ps9wxb"
        ldr     w0, =0xdeadbeef
        adr     x1, hexadecimal
        mov     x3, #8
nibble:
        ror     w0, w0, #28
        and     w4, w0, #15
        cmp     w4, #10
        add     w5, w4, #'0'
        add     w6, w4, #'a' - 10
        csel    w5, w5, w6, lo
        strb    w5, [x1], #1
        subs    x3, x3, #1
        b.ne    nibble
        adr     x1, binary
        mov     x3, #32
bit:
        sub     x3, x3, #1
        lsr     w4, w0, w3
        and     w4, w4, #1
        orr     w4, w4, #'0'
        strb    w4, [x1], #1
        cbnz    x3, bit
        adr     x1, thirty_six + 7
        mov     w3, #36
digit:
        udiv    w4, w0, w3
        msub    w5, w4, w3, w0
        mov     w0, w4
        cmp     w5, #10
        add     w6, w5, #'0'
        add     w7, w5, #'a' - 10
        csel    w6, w6, w7, lo
        strb    w6, [x1, #-1]!
        cbnz    w0, digit
        brk     #0

        .bss
hexadecimal:
        .skip   8
binary:
        .skip   32
thirty_six:
        .skip   7
