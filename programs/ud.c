// Executes a permanently undefined instruction: SIGILL.
// exit: 132
#include <stdio.h>

int main(void) {
    printf("about to run udf\n");
    fflush(stdout);
    __asm__ volatile(".inst 0x00000000");
    printf("not reached\n");
    return 0;
}
