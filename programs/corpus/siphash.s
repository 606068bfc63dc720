// SipHash-2-4 of the bytes 0 to 14 under the key 0 to 15: the example of its paper.
// expect: x0 = 0xa129ca6149be45e5
        adr     x9, key
        ldp     x4, x5, [x9]
        ldr     x0, =0x736f6d6570736575
        ldr     x1, =0x646f72616e646f6d
        ldr     x2, =0x6c7967656e657261
        ldr     x3, =0x7465646279746573
        eor     x0, x0, x4
        eor     x1, x1, x5
        eor     x2, x2, x4
        eor     x3, x3, x5
        ldr     x6, [x9]                // the first eight bytes are the key's
        bl      absorb
        ldr     x6, [x9, #8]
        mov     x7, #15                 // the length takes the place of the last byte
        bfi     x6, x7, #56, #8
        bl      absorb
        eor     x2, x2, #0xff
        mov     x8, #4
        bl      rounds
        eor     x0, x0, x1
        eor     x2, x2, x3
        eor     x0, x0, x2
        brk     #0

absorb:
        eor     x3, x3, x6
        mov     x8, #2
        mov     x10, x30
        bl      rounds
        mov     x30, x10
        eor     x0, x0, x6
        ret

rounds:
        add     x0, x0, x1
        ror     x1, x1, #51
        eor     x1, x1, x0
        ror     x0, x0, #32
        add     x2, x2, x3
        ror     x3, x3, #48
        eor     x3, x3, x2
        add     x0, x0, x3
        ror     x3, x3, #43
        eor     x3, x3, x0
        add     x2, x2, x1
        ror     x1, x1, #47
        eor     x1, x1, x2
        ror     x2, x2, #32
        subs    x8, x8, #1
        b.ne    rounds
        ret

        .section .rodata
        .balign 8
key:
        .byte   0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
