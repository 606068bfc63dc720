// XTEA: enciphers the published test block and gets it back.
// expect: cipher: .word 0x497df3d0, 0x72612cb5
// expect: x0 = 0x41424344, x1 = 0x45464748
        adr     x9, key
        adr     x10, cipher
        ldr     w0, =0x41424344
        ldr     w1, =0x45464748
        mov     w2, #0                  // sum
        ldr     w3, =0x9e3779b9
        mov     x4, #32
encipher:
        and     w5, w2, #3
        ldr     w5, [x9, w5, uxtw #2]
        add     w5, w5, w2
        lsl     w6, w1, #4
        eor     w6, w6, w1, lsr #5
        add     w6, w6, w1
        eor     w6, w6, w5
        add     w0, w0, w6
        add     w2, w2, w3
        ubfx    w5, w2, #11, #2
        ldr     w5, [x9, w5, uxtw #2]
        add     w5, w5, w2
        lsl     w6, w0, #4
        eor     w6, w6, w0, lsr #5
        add     w6, w6, w0
        eor     w6, w6, w5
        add     w1, w1, w6
        subs    x4, x4, #1
        b.ne    encipher
        stp     w0, w1, [x10]
        mov     x4, #32
decipher:
        ubfx    w5, w2, #11, #2
        ldr     w5, [x9, w5, uxtw #2]
        add     w5, w5, w2
        lsl     w6, w0, #4
        eor     w6, w6, w0, lsr #5
        add     w6, w6, w0
        eor     w6, w6, w5
        sub     w1, w1, w6
        sub     w2, w2, w3
        and     w5, w2, #3
        ldr     w5, [x9, w5, uxtw #2]
        add     w5, w5, w2
        lsl     w6, w1, #4
        eor     w6, w6, w1, lsr #5
        add     w6, w6, w1
        eor     w6, w6, w5
        sub     w0, w0, w6
        subs    x4, x4, #1
        b.ne    decipher
        brk     #0

        .section .rodata
        .balign 4
key:
        .word   0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f

        .bss
        .balign 8
cipher:
        .skip   8
