// Reads standard input and writes it backwards; a byte loop between two pointers.
// stdin: A64 machine
        .global _start
        .text
_start:
        mov     x0, #0                  // standard input
        adrp    x1, buffer
        add     x1, x1, :lo12:buffer
        mov     x2, #256
        mov     x8, #63                 // read
        svc     #0
        cmp     x0, #0
        b.le    leave
        mov     x19, x0
        mov     x3, x1                  // left
        add     x4, x1, x0
        sub     x4, x4, #1              // right
swap:
        cmp     x3, x4
        b.hs    write
        ldrb    w5, [x3]
        ldrb    w6, [x4]
        strb    w6, [x3], #1
        strb    w5, [x4], #-1
        b       swap
write:
        mov     x0, #1
        mov     x2, x19
        mov     x8, #64                 // write
        svc     #0
        mov     x0, #0
leave:
        mov     x8, #93                 // exit
        svc     #0

        .bss
buffer:
        .skip   256
