// Writes a line and exits: two system calls.
        .global _start
        .text
_start:
        mov     x0, #1                  // standard output
        adr     x1, message
        mov     x2, #14
        mov     x8, #64                 // write
        svc     #0
        mov     x0, #0
        mov     x8, #93                 // exit
        svc     #0

message:
        .ascii  "Hello, world!\n"
