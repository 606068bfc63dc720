// Read-modify-write instructions: what memory held, and what it holds.
// expect: cell: .quad 0x1f3, 8
// expect: small: .byte 200, 3
// expect: x1 = 10, x2 = 15, x3 = 0xff, x4 = 11, x5 = 0x10b, x6 = 0x1f3, x7 = 5, x8 = 5
// expect: x9 = 7, x10 = -5, x11 = 100, x12 = 9, nzcv = 0
        adr     x0, cell
        mov     x20, #5
        ldadd   x20, x1, [x0]           // 15
        mov     x20, #0xf0
        ldset   x20, x2, [x0]           // 0xff
        mov     x20, #0xf4
        ldclr   x20, x3, [x0]           // 0x0b
        mov     x20, #0x100
        ldeor   x20, x4, [x0]           // 0x10b
        mov     x20, #0x1f3
        swp     x20, x5, [x0]
        mov     x6, #0x1f3
        mov     x20, #0x1f3
        cas     x6, x20, [x0]           // equal: stored
        add     x0, x0, #8
        mov     x7, #6
        cas     x7, xzr, [x0]           // not equal: stays
        mov     x20, #7
        ldumax  x20, x8, [x0]
        mov     x20, #-5
        ldsmin  x20, x9, [x0]
        mov     x20, #8
        ldsmax  x20, x10, [x0]
        adr     x0, small
        mov     w20, #200
        ldumaxb w20, w11, [x0]
        mov     w20, #3
        add     x0, x0, #1
        lduminb w20, w12, [x0]
        brk     #0

        .data
        .balign 8
cell:
        .quad   10, 5
small:
        .byte   100, 9
