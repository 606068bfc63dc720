// Additions that stop at the largest and smallest number, signed and unsigned.
// expect: signed: .word 0x7fffffff, 0x80000000, 300, 0x7fffffff
// expect: unsigned: .word 0x80000000, 0xffffffff, 300, 0xfffffffe
// expect: bytes: .byte 255, 255, 200, 0
        adr     x9, pairs
        adr     x10, signed
        adr     x11, unsigned
        mov     x12, #4
next:
        ldp     w0, w1, [x9], #8
        adds    w2, w0, w1
        asr     w3, w2, #31             // overflow turns the sign round
        eor     w3, w3, #0x80000000
        csel    w2, w3, w2, vs
        str     w2, [x10], #4
        adds    w2, w0, w1
        csinv   w2, w2, wzr, lo
        str     w2, [x11], #4
        sub     x12, x12, #1
        cbnz    x12, next
        ldr     w0, =0x00c8ff80         // four bytes at once: 128, 255, 200, 0
        mov     w1, #0x00ff             // 255, 0, 0, 0
        adr     x10, bytes
        mov     x12, #4
byte:
        ubfx    w2, w0, #0, #8
        add     w2, w2, w1, uxtb
        tst     w2, #0x100
        csetm   w3, ne
        orr     w2, w2, w3
        strb    w2, [x10], #1
        lsr     w0, w0, #8
        lsr     w1, w1, #8
        subs    x12, x12, #1
        b.ne    byte
        brk     #0

        .data
        .balign 4
pairs:
        .word   0x7fffff00, 0x100
        .word   -2147483648, -1
        .word   100, 200
        .word   0x7fffffff, 0x7fffffff
signed:
        .skip   16
unsigned:
        .skip   16
bytes:
        .skip   4
