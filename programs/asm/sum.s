// Sums an array of signed words, prints "positive" when it should, and exits with the low byte.
// exit: 6
        .global _start
        .text
_start:
        adrp    x0, values
        add     x0, x0, :lo12:values
        mov     x1, #6
        mov     x2, #0
next:
        ldrsw   x3, [x0], #4
        add     x2, x2, x3
        sub     x1, x1, #1
        cbnz    x1, next
        adrp    x4, total
        add     x4, x4, :lo12:total
        str     x2, [x4]
        cmp     x2, #0
        b.le    done
        mov     x0, #1
        adr     x1, text
        mov     x2, #9
        mov     x8, #64                 // write
        svc     #0
done:
        ldr     x0, [x4]
        and     x0, x0, #255
        mov     x8, #93                 // exit
        svc     #0

text:
        .ascii  "positive\n"

        .data
        .balign 4
values:
        .word   1000, -2000, 30, 4000, -52, 612

        .bss
        .balign 8
total:
        .skip   8
