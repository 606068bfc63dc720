// Numbers with 16 fraction bits: product, quotient, square root by Newton's iteration.
// expect: x0 = -532480, x1 = 161319
// expect: x2 = 92681, x3 = -9
        ldr     w4, =0x34000            // 3.25
        movn    w5, #0
        ldr     w6, =0x28000
        mul     w5, w5, w6              // -2.5
        smull   x0, w4, w5
        asr     x0, x0, #16
        mov     x6, #10 << 16
        ldr     x7, =0x41000            // 4.0625
        lsl     x1, x6, #16
        sdiv    x1, x1, x7
        mov     x8, #2 << 16
        mov     x2, x8
newton:
        lsl     x9, x8, #16
        udiv    x9, x9, x2
        add     x9, x9, x2
        lsr     x9, x9, #1
        cmp     x9, x2
        mov     x10, x2
        mov     x2, x9
        b.lo    newton
        mov     x2, x10                 // the last but one: no smaller came
        asr     x3, x0, #16             // -8.125 rounded down
        brk     #0
