// Collatz sequences: data-dependent branches, a memo table, the longest start below 30,000.
#include <stdint.h>
#include <stdio.h>

#define LIMIT 30000

static uint16_t memo[LIMIT];

int main(void) {
    unsigned best = 0, start = 0;
    uint64_t peak = 0;
    memo[1] = 1;
    for (unsigned n = 2; n < LIMIT; n++) {
        uint64_t x = n;
        unsigned steps = 0;
        while (x >= n) {
            x = x & 1 ? 3 * x + 1 : x / 2;
            if (x > peak) peak = x;
            steps++;
        }
        memo[n] = (uint16_t)(steps + memo[x]);
        if (memo[n] > best) best = memo[n], start = n;
    }
    printf("longest %u from %u, peak %lu\n", best, start, (unsigned long)peak);
    for (unsigned n = 27; n > 1; n = n & 1 ? 3 * n + 1 : n / 2) printf("%u ", n);
    printf("1\n");
    return 0;
}
