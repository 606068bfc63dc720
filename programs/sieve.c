// The sieve of Eratosthenes over odd numbers in a bit array; counts and the last prime.
#include <stdint.h>
#include <stdio.h>

#define LIMIT 200000

static uint64_t composite[LIMIT / 128 + 1];

static int is_set(unsigned n) { return composite[n >> 7] >> (n >> 1 & 63) & 1; }

int main(void) {
    for (unsigned p = 3; p * p < LIMIT; p += 2)
        if (!is_set(p))
            for (unsigned m = p * p; m < LIMIT; m += 2 * p)
                composite[m >> 7] |= (uint64_t)1 << (m >> 1 & 63);
    unsigned count = 1, twins = 0, last = 2, gap = 0, next = 10;
    for (unsigned n = 3; n < LIMIT; n += 2) {
        if (n > next) {
            printf("below %u: %u\n", next, count);
            next *= 10;
        }
        if (is_set(n)) continue;
        count++;
        twins += n - last == 2;
        if (n - last > gap) gap = n - last;
        last = n;
    }
    printf("below %d: %u, last %u, twins %u, widest gap %u\n", LIMIT, count, last, twins, gap);
    return 0;
}
