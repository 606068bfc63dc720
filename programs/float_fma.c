// Fused multiply-add: one rounding where two would lose the answer; all four sign variants.
// cflags: -ffp-contract=off
// libs: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t bits(double d) {
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}

// Exact product as a pair: p + e == a * b.
static void two_product(double a, double b, double *p, double *e) {
    *p = a * b;
    *e = fma(a, b, -*p);
}

int main(void) {
    volatile double a = 1.0 + 0x1p-30, b = 1.0 - 0x1p-30, c = -1.0;
    printf("fused %016lx separate %016lx\n", bits(fma(a, b, c)), bits(a * b + c));
    printf("%016lx %016lx %016lx %016lx\n", bits(fma(a, b, c)), bits(fma(-a, b, c)),
           bits(fma(a, b, -c)), bits(-fma(a, b, c)));
    uint64_t state = 42;
    unsigned differ = 0;
    uint64_t digest = 0;
    for (int i = 0; i < 500; i++) {
        double x[3];
        for (int k = 0; k < 3; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            x[k] = ldexp((double)(int64_t)state, -60);
        }
        double fused = fma(x[0], x[1], x[2]), separate = x[0] * x[1] + x[2], p, e;
        differ += bits(fused) != bits(separate);
        two_product(x[0], x[1], &p, &e);
        digest = digest * 1099511628211u ^ bits(fused) ^ bits(e);
        volatile float f = fmaf((float)x[0], (float)x[1], (float)x[2]);
        digest = digest * 1099511628211u ^ bits((double)f);
    }
    printf("differ %u digest %016lx\n", differ, (unsigned long)digest);
    printf("subnormal %a\n", fma(0x1p-1000, 0x1p-40, 0x1p-1020) * 0x1p60);
    return 0;
}
