// Reverses a linked list in place, then copies its values in the new order.
// expect: values: .quad 55, 44, 33, 22, 11
// expect: x0 = 5
        adr     x1, first
        mov     x2, #0                  // what is reversed so far
reverse:
        ldr     x3, [x1]
        str     x2, [x1]
        mov     x2, x1
        mov     x1, x3
        cbnz    x1, reverse
        adr     x4, values
        mov     x0, #0
copy:
        ldp     x2, x5, [x2]
        str     x5, [x4, x0, lsl #3]
        add     x0, x0, #1
        cbnz    x2, copy
        brk     #0

        .data
        .balign 8
third:
        .quad   fourth, 33
first:
        .quad   second, 11
fourth:
        .quad   fifth, 44
fifth:
        .quad   0, 55
second:
        .quad   third, 22
values:
        .skip   40
