// Euclid's algorithm by a recursive function with saved registers; exits with gcd(1071, 462) = 21.
// exit: 21
        .global _start
        .text
_start:
        mov     x0, #1071
        mov     x1, #462
        bl      gcd
        mov     x19, x0
        mov     x0, #1
        adr     x1, text
        mov     x2, #5
        mov     x8, #64                 // write
        svc     #0
        mov     x0, x19
        mov     x8, #93                 // exit
        svc     #0

// gcd(x0, x1): gcd(x1, x0 mod x1) until x1 is zero.
gcd:
        cbz     x1, found
        stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        udiv    x2, x0, x1
        msub    x2, x2, x1, x0
        mov     x0, x1
        mov     x1, x2
        bl      gcd
        ldp     x29, x30, [sp], #16
found:
        ret

text:
        .ascii  "done\n"
