// CRC-32 and CRC-32C by their instructions: 8 + 4 + 2 + 1 bytes of a 15-byte text.
// expect: x0 = 0x76782d47, x1 = 0x15c65c63
        adr     x2, text
        ldr     x3, [x2]
        ldr     w4, [x2, #8]
        ldrh    w5, [x2, #12]
        ldrb    w6, [x2, #14]
        mov     w0, #-1
        crc32x  w0, w0, x3
        crc32w  w0, w0, w4
        crc32h  w0, w0, w5
        crc32b  w0, w0, w6
        mvn     w0, w0
        mov     w1, #-1
        crc32cx w1, w1, x3
        crc32cw w1, w1, w4
        crc32ch w1, w1, w5
        crc32cb w1, w1, w6
        mvn     w1, w1
        brk     #0

        .section .rodata
        .balign 8
text:
        .ascii  "Hello, A64 CRC!"
