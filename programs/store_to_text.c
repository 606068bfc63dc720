// Stores into its own code, which is mapped read-only: SIGSEGV.
// exit: 139
#include <stdint.h>
#include <stdio.h>

static int answer(void) { return 42; }

int main(void) {
    int (*volatile call)(void) = answer;
    printf("before %d\n", call());
    fflush(stdout);
    *(volatile uint32_t *)(uintptr_t)call = 0xd65f03c0;
    printf("not reached %d\n", call());
    return 0;
}
