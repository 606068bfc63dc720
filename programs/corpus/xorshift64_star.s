// Eight numbers of the xorshift64* generator, and their exclusive OR.
// expect: numbers: .quad 0x47e4ce4b896cdd1d, 0xabcfa6a8e079651d
// expect: numbers + 16: .quad 0xb9d10d8feb731f57, 0x4db418a0bb1b019d
// expect: numbers + 32: .quad 0xe6199b04d5aa600, 0xc8674bcb42e3aad9
// expect: numbers + 48: .quad 0xd052b2d8d46e7181, 0xac718cf8ce31398d
// expect: x0 = 0xa26b91972c9be21f
        adr     x1, numbers
        mov     x2, #1                  // the seed
        ldr     x3, =0x2545f4914f6cdd1d
        mov     x4, #8
        mov     x0, #0
next:
        eor     x2, x2, x2, lsr #12
        eor     x2, x2, x2, lsl #25
        eor     x2, x2, x2, lsr #27
        mul     x5, x2, x3
        str     x5, [x1], #8
        eor     x0, x0, x5
        subs    x4, x4, #1
        b.ne    next
        brk     #0

        .bss
        .balign 8
numbers:
        .skip   64
