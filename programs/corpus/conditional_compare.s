// Counts digits and letters of a text with chained conditions instead of branches.
// expect: x0 = 3, x1 = 5
// expect: x2 = 14, x6 = 0b1101
        adr     x3, text
        mov     x0, #0
        mov     x1, #0
        mov     x2, #0
        mov     w7, #'0'
        mov     w8, #'9'
        mov     w9, #'a'
        mov     w10, #'z'
next:
        ldrb    w4, [x3, x2]
        cbz     w4, scanned
        cmp     w4, w7
        ccmp    w4, w8, #0b0010, hs     // below '0': as if higher than '9'
        cinc    x0, x0, ls
        orr     w5, w4, #32             // to lower case
        cmp     w5, w9
        ccmp    w5, w10, #0b0010, hs
        cinc    x1, x1, ls
        add     x2, x2, #1
        b       next
scanned:
        mov     x4, #31
        mov     x5, #-7
        cmp     x4, #31
        ccmp    x5, #3, #0b0000, ne     // skipped: flags become 0000, not equal
        cset    x6, ne
        cmp     x4, #31
        ccmn    x5, #7, #0b0000, eq     // -7 + 7 = 0
        cset    x11, ne
        orr     x6, x6, x11, lsl #1
        ccmn    w4, w4, #0b0100, mi     // skipped: Z
        cset    x11, eq
        orr     x6, x6, x11, lsl #2
        ccmp    x5, x4, #0b0000, eq     // -7 < 31
        cset    x11, lt
        orr     x6, x6, x11, lsl #3
        brk     #0

        .section .rodata
text:
        .asciz  "R2-D2 & C-3PO!"
