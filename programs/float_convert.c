// Conversions between floats and integers of every width, saturation included.
// libs: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>
static volatile double source[] = {0.0,   -0.0,  0.999, -0.999,  1.5,        -1.5,    127.9,
                                   255.5, 65535.75, 2147483647.5, -2147483648.5, 4294967295.9,
                                   9007199254740993.0, 1e18, -1e18};

int main(void) {
    for (unsigned i = 0; i < sizeof source / sizeof *source; i++) {
        double d = source[i];
        printf("%.17g -> %ld", d, (long)(int64_t)d);
        if (d > -1) printf(" %lu", (unsigned long)(uint64_t)d);
        if (d > -2147483649.0 && d < 2147483648.0) printf(" %d", (int32_t)d);
        if (d > -1 && d < 4294967296.0) printf(" %u", (uint32_t)d);
        if (d > -1 && d < 65536) printf(" %u", (unsigned)(uint16_t)d);
        printf(" float %.9g\n", (double)(float)d);
    }
    volatile int64_t big[] = {INT64_MAX, INT64_MIN, 9007199254740993, -1, 16777217};
    volatile uint64_t wide[] = {UINT64_MAX, 1ul << 63, (1ul << 63) + 1025, 33554433};
    for (int i = 0; i < 5; i++) printf("%.0f %.0f\n", (double)big[i], (double)(float)big[i]);
    for (int i = 0; i < 4; i++) printf("%.0f %.0f\n", (double)wide[i], (double)(float)wide[i]);
    for (int i = 4; i < 9; i++) {
        double d = source[i];
        printf("%g: floor %g ceil %g trunc %g round %g rint %g lround %ld\n", d, floor(d), ceil(d),
               trunc(d), round(d), rint(d), lround(d));
    }
    return 0;
}
