// Weekdays (Sunday is 0) of 20 July 1969, 29 February 2000 and 1 January 1900 by Sakamoto's method.
// expect: x19 = 0, x20 = 2, x21 = 1
        mov     w0, #1969
        mov     w1, #7
        mov     w2, #20
        bl      weekday
        mov     w19, w0
        mov     w0, #2000
        mov     w1, #2
        mov     w2, #29
        bl      weekday
        mov     w20, w0
        mov     w0, #1900
        mov     w1, #1
        mov     w2, #1
        bl      weekday
        mov     w21, w0
        brk     #0

// weekday(w0, w1, w2): year, month, day.
weekday:
        cmp     w1, #3
        cset    w3, lo
        sub     w0, w0, w3              // January and February belong to the year before
        add     w2, w2, w0
        add     w2, w2, w0, lsr #2
        mov     w4, #100
        udiv    w5, w0, w4
        sub     w2, w2, w5
        add     w2, w2, w5, lsr #2
        adr     x6, months - 1
        ldrb    w6, [x6, w1, uxtw]
        add     w2, w2, w6
        mov     w7, #7
        udiv    w0, w2, w7
        msub    w0, w0, w7, w2
        ret

        .section .rodata
months:
        .byte   0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4
