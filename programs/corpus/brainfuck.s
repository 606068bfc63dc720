// An interpreter for Brainfuck: its program multiplies 5 by 8 and prints two characters.
// expect: output: .ascii "*+"
// expect: x0 = 2
// expect: tape: .byte 0, 43, 0
        adr     x1, code - 1
        adr     x2, tape
        adr     x3, output
next:
        ldrb    w4, [x1, #1]!
        cbz     w4, ended
        cmp     w4, #'+'
        b.eq    plus
        cmp     w4, #'-'
        b.eq    minus
        cmp     w4, #'>'
        b.eq    right
        cmp     w4, #'<'
        b.eq    left
        cmp     w4, #'.'
        b.eq    print
        ldrb    w5, [x2]
        cmp     w4, #'['
        b.eq    open
        cbz     w5, next                // ] of a cell that is zero
        mov     x6, #-1                 // else back to its [
        b       match
open:
        cbnz    w5, next
        mov     x6, #1
match:
        mov     x7, #0                  // depth
bracket:
        ldrb    w4, [x1]
        cmp     w4, #'['
        cinc    x7, x7, eq
        sub     x8, x7, #1
        cmp     w4, #']'
        csel    x7, x8, x7, eq
        cbz     x7, next
        add     x1, x1, x6
        b       bracket
plus:
        ldrb    w5, [x2]
        add     w5, w5, #1
        strb    w5, [x2]
        b       next
minus:
        ldrb    w5, [x2]
        sub     w5, w5, #1
        strb    w5, [x2]
        b       next
right:
        add     x2, x2, #1
        b       next
left:
        sub     x2, x2, #1
        b       next
print:
        ldrb    w5, [x2]
        strb    w5, [x3], #1
        b       next
ended:
        adr     x0, output
        sub     x0, x3, x0
        brk     #0

        .section .rodata
        .byte   0
code:
        .asciz  "+++++[>++++++++<-]>++.+.>[-]<"

        .bss
tape:
        .skip   8
output:
        .skip   8
