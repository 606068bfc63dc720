// Integer arithmetic in registers: add, multiply, shift, xor and a branch; argv[1] rounds.
// args: 1000
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    uint64_t a = 1, b = 0x9e3779b97f4a7c15, sum = 0;
    for (unsigned long i = 0; i < rounds; i++) {
        a = a * 6364136223846793005u + i;
        b ^= a >> 29;
        b += b << 7;
        if (b & 8) sum += a ^ b;
        else sum -= b >> 3;
    }
    printf("%lu rounds: %016lx\n", rounds, (unsigned long)sum);
    return 0;
}
