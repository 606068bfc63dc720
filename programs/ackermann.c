// Ackermann's function: deep, branching recursion through the stack.
#include <stdio.h>

static unsigned calls;

static unsigned ackermann(unsigned m, unsigned n) {
    calls++;
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

int main(void) {
    for (unsigned m = 0; m < 4; m++) {
        for (unsigned n = 0; n < 6; n++) {
            calls = 0;
            unsigned value = ackermann(m, n);
            printf("A(%u,%u)=%u in %u calls\n", m, n, value, calls);
        }
    }
    return 0;
}
