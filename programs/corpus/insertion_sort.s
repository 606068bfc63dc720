// Insertion sort of twelve signed halfwords.
// expect: values: .hword -32768, -300, -45, -1, 0, 3, 5, 7, 12, 12, 99, 32767
        adr     x0, values
        mov     x1, #1
insert:
        ldrsh   w2, [x0, x1, lsl #1]
        mov     x3, x1
shift:
        sub     x4, x3, #1
        ldrsh   w5, [x0, x4, lsl #1]
        cmp     w5, w2
        b.le    place
        strh    w5, [x0, x3, lsl #1]
        mov     x3, x4
        cbnz    x3, shift
place:
        strh    w2, [x0, x3, lsl #1]
        add     x1, x1, #1
        cmp     x1, #12
        b.ne    insert
        brk     #0

        .data
        .balign 2
values:
        .hword  5, -300, 12, 32767, -32768, 0, 7, -1, 99, 12, 3, -45
