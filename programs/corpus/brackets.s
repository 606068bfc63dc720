// Whether brackets match, with a stack of the closing ones still to come.
// expect: x19 = 0b0101
        mov     x19, #0
        mov     x20, #0
        adr     x21, texts
text:
        ldr     x0, [x21], #8
        bl      match
        lsl     x0, x0, x20
        orr     x19, x19, x0
        add     x20, x20, #1
        cmp     x20, #4
        b.ne    text
        brk     #0

match:
        mov     x1, sp                  // where the stack began
character:
        ldrb    w2, [x0], #1
        cbz     w2, ended
        cmp     w2, #'('
        mov     w3, #')'
        b.eq    open
        cmp     w2, #'['
        mov     w3, #']'
        b.eq    open
        cmp     w2, #'{'
        mov     w3, #'}'
        b.eq    open
        cmp     w2, #')'
        mov     w3, #']'
        ccmp    w2, w3, #4, ne
        mov     w3, #'}'
        ccmp    w2, w3, #4, ne
        b.ne    character               // no bracket
        mov     x4, sp
        cmp     x4, x1
        b.eq    wrong
        ldr     w3, [sp], #16
        cmp     w2, w3
        b.eq    character
wrong:
        mov     sp, x1
        mov     x0, #0
        ret
open:
        str     w3, [sp, #-16]!
        b       character
ended:
        mov     x4, sp
        cmp     x4, x1
        cset    x0, eq
        mov     sp, x1
        ret

        .section .rodata
        .balign 8
texts:
        .quad   one, two, three, four
one:
        .asciz  "{[()]}(a[1])"
two:
        .asciz  "([)]"
three:
        .asciz  "no brackets"
four:
        .asciz  "((()"
