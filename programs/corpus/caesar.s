// Caesar's cipher by 13: letters turn, others stay; twice gives the text back.
// expect: cipher: .asciz "Irav, ivqv, ivpv!"
// expect: plain: .asciz "Veni, vidi, vici!"
        adr     x0, text
        adr     x1, cipher
        bl      turn
        adr     x0, cipher
        adr     x1, plain
        bl      turn
        brk     #0

turn:
        ldrb    w2, [x0], #1
        and     w3, w2, #~0x20          // to upper case
        sub     w3, w3, #'A'
        cmp     w3, #26
        b.hs    keep
        add     w4, w3, #13
        sub     w5, w3, #13
        cmp     w4, #26
        csel    w4, w4, w5, lo
        sub     w2, w2, w3
        add     w2, w2, w4
keep:
        strb    w2, [x1], #1
        cbnz    w2, turn
        ret

        .section .rodata
text:
        .asciz  "Veni, vidi, vici!"

        .bss
cipher:
        .skip   18
plain:
        .skip   18
