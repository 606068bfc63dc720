// Pseudo-random generators: LCG, xorshift, splitmix, PCG and the Mersenne Twister.
#include <stdint.h>
#include <stdio.h>

static uint32_t mt[624];
static int mt_at = 624;

static void mt_seed(uint32_t s) {
    mt[0] = s;
    for (uint32_t i = 1; i < 624; i++) mt[i] = 1812433253u * (mt[i - 1] ^ mt[i - 1] >> 30) + i;
    mt_at = 624;
}

static uint32_t mt_next(void) {
    if (mt_at == 624) {
        for (int i = 0; i < 624; i++) {
            uint32_t y = (mt[i] & 0x80000000) | (mt[(i + 1) % 624] & 0x7fffffff);
            mt[i] = mt[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0df : 0);
        }
        mt_at = 0;
    }
    uint32_t y = mt[mt_at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return y ^ y >> 18;
}

static uint64_t splitmix(uint64_t *s) {
    uint64_t z = *s += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t pcg(uint64_t *s) {
    uint64_t old = *s;
    *s = old * 6364136223846793005u + 1442695040888963407u;
    uint32_t x = (uint32_t)((old >> 18 ^ old) >> 27), r = (uint32_t)(old >> 59);
    return x >> r | x << (-r & 31);
}

int main(void) {
    uint32_t lcg = 1;
    uint64_t xs = 88172645463325252, sm = 0, pc = 42;
    mt_seed(5489);
    for (int i = 0; i < 5; i++) {
        lcg = lcg * 1664525 + 1013904223;
        xs ^= xs << 13, xs ^= xs >> 7, xs ^= xs << 17;
        printf("%u %lu %016lx %08x %u\n", lcg, (unsigned long)xs, (unsigned long)splitmix(&sm),
               pcg(&pc), mt_next());
    }
    for (int i = 5; i < 9999; i++) mt_next();
    // The standard's own check of its twister: the 10,000th output.
    printf("10000th %u\n", mt_next());
    unsigned inside = 0;
    for (int i = 0; i < 5000; i++) {
        double x = (mt_next() >> 5) * 0x1p-27, y = (mt_next() >> 5) * 0x1p-27;
        inside += x * x + y * y < 1;
    }
    printf("inside the circle %u\n", inside);
    return 0;
}
