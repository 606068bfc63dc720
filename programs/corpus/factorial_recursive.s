// 12! by a function that calls itself with its argument on the stack.
// expect: x0 = 479001600, x1 = 0
        mov     x0, #12
        mov     x9, sp
        bl      factorial
        mov     x10, sp
        sub     x1, x9, x10
        brk     #0

factorial:
        cmp     x0, #1
        b.ls    one
        stp     x30, x0, [sp, #-16]!
        sub     x0, x0, #1
        bl      factorial
        ldp     x30, x1, [sp], #16
        mul     x0, x0, x1
        ret
one:
        mov     x0, #1
        ret
