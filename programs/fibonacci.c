// Fibonacci numbers three ways: recursion, iteration and fast doubling.
#include <stdint.h>
#include <stdio.h>

static uint64_t slow(int n) { return n < 2 ? (uint64_t)n : slow(n - 1) + slow(n - 2); }

static uint64_t loop(int n) {
    uint64_t a = 0, b = 1;
    for (; n > 0; n--) {
        uint64_t next = a + b;
        a = b;
        b = next;
    }
    return a;
}

static void doubling(int n, uint64_t *f, uint64_t *g) {
    if (n == 0) {
        *f = 0;
        *g = 1;
        return;
    }
    uint64_t a, b;
    doubling(n / 2, &a, &b);
    uint64_t c = a * (2 * b - a), d = a * a + b * b;
    *f = n % 2 ? d : c;
    *g = n % 2 ? c + d : d;
}

int main(void) {
    printf("slow 20: %lu\n", (unsigned long)slow(20));
    for (int n = 0; n <= 93; n += 31) {
        uint64_t f, g;
        doubling(n, &f, &g);
        printf("%d: %lu %s\n", n, (unsigned long)f, f == loop(n) ? "same" : "DIFFERENT");
    }
    return 0;
}
