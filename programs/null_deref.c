// Reads through a null pointer: ends by SIGSEGV after its output was flushed.
// exit: 139
#include <stdio.h>

static int *volatile pointer;

int main(void) {
    printf("about to read address 0\n");
    fflush(stdout);
    int value = *(volatile int *)pointer;
    printf("not reached %d\n", value);
    return 0;
}
