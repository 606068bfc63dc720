// Jumps into writable data, which is not executable: SIGSEGV.
// exit: 139
#include <stdint.h>
#include <stdio.h>

static uint32_t code[] = {0xd65f03c0, 0xd65f03c0};

int main(void) {
    void (*volatile call)(void) = (void (*)(void))(uintptr_t)code;
    printf("about to run data\n");
    fflush(stdout);
    call();
    printf("not reached\n");
    return 0;
}
