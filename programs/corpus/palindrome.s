// Whether sentences read the same backwards; letters only, in either case.
// expect: x19 = 1, x20 = 0
        adr     x0, canal
        mov     x1, #canal_end - canal
        bl      palindrome
        mov     x19, x0
        adr     x0, plan
        mov     x1, #plan_end - plan
        bl      palindrome
        mov     x20, x0
        brk     #0

// palindrome(x0, x1): of x1 bytes at x0.
palindrome:
        add     x1, x0, x1
        mov     w7, #'a'
left:
        cmp     x0, x1
        b.hs    yes
        ldrb    w2, [x0], #1
        orr     w2, w2, #0x20
        sub     w3, w2, w7
        cmp     w3, #25
        b.hi    left
right:
        cmp     x0, x1
        b.hi    yes
        ldrb    w4, [x1, #-1]!
        orr     w4, w4, #0x20
        sub     w3, w4, w7
        cmp     w3, #25
        b.hi    right
        cmp     w2, w4
        b.eq    left
        mov     x0, #0
        ret
yes:
        mov     x0, #1
        ret

        .section .rodata
canal:
        .ascii  "A man, a plan, a canal: Panama"
canal_end:
plan:
        .ascii  "A man, a plan, a camel: Panama"
plan_end:
