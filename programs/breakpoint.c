// Executes BRK with no debugger: SIGTRAP.
// exit: 133
#include <stdio.h>

int main(void) {
    printf("about to run brk\n");
    fflush(stdout);
    __asm__ volatile("brk #7");
    printf("not reached\n");
    return 0;
}
