// CRC-32 of "123456789" one bit at a time: the check value of every CRC catalogue.
// expect: x0 = 0xcbf43926
        adr     x1, text
        mov     x2, #9
        mov     w0, #-1
        ldr     w3, =0xedb88320         // the polynomial, lowest power first
byte:
        ldrb    w4, [x1], #1
        eor     w0, w0, w4
        mov     x5, #8
bit:
        ands    wzr, w0, #1
        csel    w6, w3, wzr, ne
        eor     w0, w6, w0, lsr #1
        subs    x5, x5, #1
        b.ne    bit
        subs    x2, x2, #1
        b.ne    byte
        mvn     w0, w0
        brk     #0

        .section .rodata
text:
        .ascii  "123456789"
