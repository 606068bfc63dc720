// Calls abort: the C library raises SIGABRT at itself.
// exit: 134
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    printf("about to abort\n");
    fflush(stdout);
    abort();
}
