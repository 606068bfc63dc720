// Prints the first 20 Fibonacci numbers, one a line, with its own decimal conversion.
        .global _start
        .text
_start:
        mov     x19, #0                 // this number
        mov     x20, #1                 // the next
        mov     x21, #20                // how many are left
loop:
        mov     x0, x19
        bl      print
        add     x2, x19, x20
        mov     x19, x20
        mov     x20, x2
        subs    x21, x21, #1
        b.ne    loop
        mov     x0, #0
        mov     x8, #93                 // exit
        svc     #0

// print(x0): writes x0 in decimal and a newline, from a buffer on the stack.
print:
        sub     sp, sp, #32
        add     x1, sp, #31             // digits grow downwards from the newline
        mov     w2, #10
        strb    w2, [x1]
        mov     x3, #10
digit:
        udiv    x4, x0, x3
        msub    x5, x4, x3, x0
        add     w5, w5, #48
        sub     x1, x1, #1
        strb    w5, [x1]
        mov     x0, x4
        cbnz    x0, digit
        add     x2, sp, #32
        sub     x2, x2, x1
        mov     x0, #1
        mov     x8, #64                 // write
        svc     #0
        add     sp, sp, #32
        ret
