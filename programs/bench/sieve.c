// The sieve of Eratosthenes, one byte a number: byte stores with strides; argv[1] bytes.
// args: 10000
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1 << 20;
    uint8_t *composite = calloc(n, 1);
    if (!composite) return 1;
    size_t count = 0, last = 0;
    for (size_t p = 2; p < n; p++) {
        if (composite[p]) continue;
        count++;
        last = p;
        for (size_t m = p * p; m < n; m += p) composite[m] = 1;
    }
    printf("below %zu: %zu primes, last %zu\n", n, count, last);
    free(composite);
    return 0;
}
