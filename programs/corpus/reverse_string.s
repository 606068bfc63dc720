// Reverses a text in place, two pointers moving toward each other.
// expect: text: .asciz "stressed desserts!"
        adr     x0, text
        mov     x1, x0
find:
        ldrb    w2, [x1, #1]!
        cmp     w2, #'!'                // stays at the end
        b.ne    find
exchange:
        sub     x1, x1, #1
        cmp     x0, x1
        b.hs    done
        ldrb    w2, [x0]
        ldrb    w3, [x1]
        strb    w3, [x0], #1
        strb    w2, [x1]
        b       exchange
done:
        brk     #0

        .data
text:
        .asciz  "stressed desserts!"
