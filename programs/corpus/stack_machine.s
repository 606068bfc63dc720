// A stack machine in eleven instructions of bytecode: the factorial of 5 by a loop.
// expect: x0 = 120, x1 = 0
        adr     x19, code
        adr     x20, operations
        adr     x21, stack
next:
        ldrb    w2, [x19], #1
        ldr     x3, [x20, x2, lsl #3]
        br      x3

push:
        ldrsb   x4, [x19], #1
        str     x4, [x21], #8
        b       next
dup:
        ldr     x4, [x21, #-8]
        str     x4, [x21], #8
        b       next
swap:
        ldp     x4, x5, [x21, #-16]
        stp     x5, x4, [x21, #-16]
        b       next
over:
        ldr     x4, [x21, #-16]
        str     x4, [x21], #8
        b       next
times:
        ldp     x4, x5, [x21, #-16]!
        mul     x4, x4, x5
        str     x4, [x21], #8
        b       next
minus:
        ldp     x4, x5, [x21, #-16]!
        sub     x4, x4, x5
        str     x4, [x21], #8
        b       next
jump_not_zero:
        ldr     x4, [x21, #-8]!
        ldrsb   x5, [x19], #1
        cmp     x4, #0
        csel    x5, x5, xzr, ne
        add     x19, x19, x5
        b       next
halt:
        ldp     x0, x1, [x21, #-16]
        brk     #0

        .section .rodata
        .balign 8
operations:
        .quad   halt, push, dup, swap, over, times, minus, jump_not_zero
code:
        .byte   1, 1                    // product
        .byte   1, 5                    // counter
loop:
        .byte   3, 4, 5                 // swap, over, times
        .byte   3, 1, 1, 6              // swap, push 1, minus
        .byte   2, 7, loop - end        // dup, jump if not zero
end:
        .byte   0

        .bss
        .balign 8
stack:
        .skip   64
