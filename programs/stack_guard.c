// Stores below a page made inaccessible by mprotect: SIGSEGV at the first byte of the guard.
// exit: 139
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
    volatile char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mprotect((void *)(p + 4096), 4096, PROT_NONE)) return 1;
    p[4095] = 1;
    p[8192] = 2;
    printf("either side is writable: %d %d\n", p[4095], p[8192]);
    fflush(stdout);
    p[4096] = 3;
    printf("not reached\n");
    return 0;
}
