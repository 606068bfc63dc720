// A lock and a counter with exclusive and ordered accesses; another store in between fails.
// expect: lock: .word 0, 12
// expect: pair: .quad 21, 32
// expect: x0 = 12, x6 = 1, x8 = 0
        adr     x1, lock
        mov     x5, #3
enter:
        mov     w4, #1
attempt:
        ldaxr   w2, [x1]
        cbnz    w2, attempt
        stxr    w3, w4, [x1]
        cbnz    w3, attempt
        ldr     w0, [x1, #4]
        add     w0, w0, #4
        str     w0, [x1, #4]
        stlr    wzr, [x1]
        subs    x5, x5, #1
        b.ne    enter
        dmb     ish
        ldxr    w2, [x1]
        clrex                           // given up
        stxr    w6, w4, [x1]
        adr     x7, pair
        ldaxp   x9, x10, [x7]
        add     x9, x9, #1
        add     x10, x10, #2
        stlxp   w8, x9, x10, [x7]
        ldar    w11, [x1]
        add     w0, w0, w11
        isb
        brk     #0

        .data
        .balign 16
pair:
        .quad   20, 30
lock:
        .word   0, 0
