// Ends with status 42 after its exit handlers ran in reverse order and its buffers were flushed.
// exit: 42
#include <stdio.h>
#include <stdlib.h>

static void first(void) { printf("registered first, runs last\n"); }
static void second(void) { printf("registered second, runs first\n"); }

int main(void) {
    atexit(first);
    atexit(second);
    printf("leaving");
    printf(" with 42\n");
    exit(42);
}
