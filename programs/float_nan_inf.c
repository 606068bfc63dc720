// Infinities and NaNs: made, compared, propagated and printed by class.
// libs: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// The sign that printf gives a NaN is no result: only its class is printed.
static const char *name(double d) {
    if (isnan(d)) return "nan";
    if (isinf(d)) return signbit(d) ? "-inf" : "inf";
    if (d == 0) return signbit(d) ? "-0" : "0";
    return isnormal(d) ? "normal" : "subnormal";
}

int main(void) {
    volatile double zero = 0, one = 1, minus = -1, huge = 1e308;
    volatile double inf = one / zero, low = minus / zero, nan = zero / zero;
    printf("%s %s %s %s\n", name(inf), name(low), name(nan), name(huge * 10));
    printf("%s %s %s %s\n", name(inf - inf), name(inf * zero), name(sqrt(minus)), name(fmod(one, zero)));
    printf("%s %s %s %s\n", name(inf + one), name(one / low), name(-zero), name(zero + -zero));
    volatile double v[] = {nan, inf, low, 0.0, -0.0, 1.0};
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++)
            printf("%d%d%d%d%d ", v[i] < v[j], v[i] <= v[j], v[i] == v[j], v[i] != v[j],
                   isunordered(v[i], v[j]));
        printf("\n");
    }
    volatile uint64_t quiet = 0x7ff8dead00000001, signalling = 0x7ff0000000000123;
    double q, s, r;
    memcpy(&q, (const void *)&quiet, 8);
    memcpy(&s, (const void *)&signalling, 8);
    uint64_t u;
    r = q + one;
    memcpy(&u, &r, 8);
    printf("payload kept %016lx\n", (unsigned long)u);
    // Written out: compilers may assume that nobody looks at signalling NaNs.
    __asm__("fmul %d0, %d1, %d2" : "=w"(r) : "w"(s), "w"(one));
    memcpy(&u, &r, 8);
    printf("made quiet %016lx\n", (unsigned long)u);
    r = -q;
    memcpy(&u, &r, 8);
    printf("negated %016lx\n", (unsigned long)u);
    printf("fmin %g fmax %g\n", fmin(nan, 2), fmax(3, nan));
    printf("%f %F %5.1f|%-6f|\n", inf, low, inf, low);
    return 0;
}
