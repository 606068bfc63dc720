// Length and order of C strings.
// expect: x19 = 6, x20 = 0, x21 = -7, x22 = 112, x23 = 0
        adr     x0, apple
        bl      strlen
        mov     x19, x0
        adr     x0, empty
        bl      strlen
        mov     x20, x0
        adr     x0, apples
        adr     x1, appl
        bl      strcmp
        mov     x21, x0
        adr     x0, appl
        adr     x1, app
        bl      strcmp
        mov     x22, x0
        adr     x0, apple
        adr     x1, apples
        bl      strcmp
        mov     x23, x0
        brk     #0

strlen:
        mov     x1, x0
character:
        ldrb    w2, [x1], #1
        cbnz    w2, character
        mvn     x0, x0                  // end - start - 1
        add     x0, x1, x0
        ret

strcmp:
        ldrb    w2, [x0], #1
        ldrb    w3, [x1], #1
        cmp     w2, #0
        ccmp    w2, w3, #0, ne
        b.eq    strcmp
        sub     w2, w2, w3
        sxtw    x0, w2
        ret

        .section .rodata
apple:
        .asciz  "apples"
apples:
        .asciz  "apples"
appl:
        .asciz  "appll"
app:
        .asciz  "ap"
empty:
        .asciz  ""
