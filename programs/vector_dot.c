// Dot products that compilers vectorise: int8, int16, int32, float, double.
// cflags: -ftree-vectorize
#include <stdint.h>
#include <stdio.h>

#define N 1000

#define DOT(name, element, total)                                    \
    __attribute__((noinline)) static total name(const element *a, const element *b, int n) { \
        total sum = 0;                                               \
        for (int i = 0; i < n; i++) sum += (total)a[i] * b[i];       \
        return sum;                                                  \
    }

DOT(dot8, int8_t, int32_t)
DOT(dotu8, uint8_t, uint32_t)
DOT(dot16, int16_t, int64_t)
DOT(dot32, int32_t, int64_t)
DOT(dotf, float, float)
DOT(dotd, double, double)

static int8_t a8[N], b8[N];
static uint8_t au[N], bu[N];
static int16_t a16[N], b16[N];
static int32_t a32[N], b32[N];
static float af[N], bf[N];
static double ad[N], bd[N];

int main(void) {
    uint32_t s = 7;
    for (int i = 0; i < N; i++) {
        s = s * 1664525 + 1013904223;
        a8[i] = (int8_t)(s >> 24), b8[i] = (int8_t)(s >> 16);
        au[i] = (uint8_t)(s >> 8), bu[i] = (uint8_t)(s >> 12);
        a16[i] = (int16_t)(s >> 16), b16[i] = (int16_t)(s >> 9);
        a32[i] = (int32_t)s, b32[i] = (int32_t)(s * 31);
        // Small integers: the sums are exact in any order.
        af[i] = (float)(int)(s >> 28), bf[i] = (float)(int)(s >> 27 & 15);
        ad[i] = (double)(s >> 20), bd[i] = (double)(s >> 18 & 4095);
    }
    for (int n = 0; n <= N; n = n * 3 + 7)
        printf("%d: %d %u %ld %ld %g %.0f\n", n, dot8(a8, b8, n), dotu8(au, bu, n),
               (long)dot16(a16, b16, n), (long)dot32(a32, b32, n), (double)dotf(af, bf, n),
               dotd(ad, bd, n));
    return 0;
}
