// 64-bit FNV-1a hash of a text.
// expect: x0 = 0x85944171f73967e8
        adr     x1, text
        ldr     x0, =0xcbf29ce484222325
        ldr     x2, =0x100000001b3
next:
        ldrb    w3, [x1], #1
        cbz     w3, done
        eor     x0, x0, x3
        mul     x0, x0, x2
        b       next
done:
        brk     #0

        .section .rodata
text:
        .asciz  "foobar"
