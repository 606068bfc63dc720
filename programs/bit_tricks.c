// Bit tricks: clz, ctz, popcount, bswap, bit reversal, rotates, parity, against plain loops.
#include <stdint.h>
#include <stdio.h>

static uint64_t reverse(uint64_t x) {
    x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
    x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
    return __builtin_bswap64(x);
}

static uint64_t rotate(uint64_t x, unsigned n) { return x >> (n & 63) | x << (-n & 63); }

static int naive_count(uint64_t x) {
    int n = 0;
    for (; x; x >>= 1) n += x & 1;
    return n;
}

int main(void) {
    static const uint64_t v[] = {1,          2,          0x80,       0xffff, 0x80000000,
                                 0xdeadbeef, 1ul << 40,  0x0123456789abcdef, 1ul << 63, ~0ul};
    for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
        uint64_t x = v[i];
        printf("%016lx: clz %d ctz %d pop %d parity %d rev %016lx swap %08x %04x\n",
               (unsigned long)x, __builtin_clzl(x), __builtin_ctzl(x), __builtin_popcountl(x),
               __builtin_parityl(x), (unsigned long)reverse(x), __builtin_bswap32((uint32_t)x),
               __builtin_bswap16((uint16_t)x));
        printf("  ror %016lx rol %08x low %lx clear %lx smear %d clrsb %d\n",
               (unsigned long)rotate(x, 3 + i * 7), (uint32_t)x << 5 | (uint32_t)x >> 27,
               (unsigned long)(x & -x), (unsigned long)(x & (x - 1)), (int)(x | x >> 1) < 0,
               __builtin_clrsbl((long)x));
    }
    uint64_t state = 1;
    unsigned wrong = 0;
    for (int i = 0; i < 2000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        wrong += __builtin_popcountl(state) != naive_count(state);
        wrong += reverse(reverse(state)) != state;
        uint64_t down = state;
        int leading = 0;
        while (!(down >> 63)) down <<= 1, leading++;
        wrong += leading != __builtin_clzl(state);
        wrong += __builtin_ctzl(state) != __builtin_clzl(reverse(state));
    }
    printf("wrong %u\n", wrong);
    return 0;
}
