// Single precision: summation orders, Kahan's compensation, reciprocal square root by Newton.
// cflags: -ffp-contract=off
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static float rsqrt(float x) {
    uint32_t i;
    memcpy(&i, &x, 4);
    i = 0x5f3759df - (i >> 1);
    float y;
    memcpy(&y, &i, 4);
    for (int k = 0; k < 3; k++) y = y * (1.5f - 0.5f * x * y * y);
    return y;
}

int main(void) {
    float up = 0, down = 0, kahan = 0, lost = 0;
    for (int i = 1; i <= 5000; i++) up += 1.0f / (float)i;
    for (int i = 5000; i >= 1; i--) down += 1.0f / (float)i;
    for (int i = 1; i <= 5000; i++) {
        volatile float y = 1.0f / (float)i - lost;
        volatile float t = kahan + y;
        lost = (t - kahan) - y;
        kahan = t;
    }
    printf("up %.9g down %.9g kahan %.9g\n", (double)up, (double)down, (double)kahan);
    for (float x = 0.25f; x < 2000; x *= 3.7f)
        printf("rsqrt(%.6g) = %.6g\n", (double)x, (double)rsqrt(x));
    uint32_t state = 1, digest = 0;
    for (int i = 0; i < 2000; i++) {
        state = state * 1664525 + 1013904223;
        float a = (float)(int32_t)state * 1e-5f;
        state = state * 1664525 + 1013904223;
        float b = (float)(int32_t)state * 1e-7f, r = (a * b - a) / (b + 300.0f);
        uint32_t u;
        memcpy(&u, &r, 4);
        digest = digest * 16777619 ^ u;
    }
    printf("digest %08x\n", digest);
    return 0;
}
