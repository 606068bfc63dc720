// Subnormal numbers: gradual underflow in double and single precision.
#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t bits(double d) {
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}

static uint32_t bitsf(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

int main(void) {
    volatile double d = DBL_MIN;
    int halvings = 0;
    while (d > 0) {
        if (halvings % 13 == 0) printf("%d: %016lx %.6e\n", halvings, bits(d), d);
        d = d / 2;
        halvings++;
    }
    printf("double halvings %d\n", halvings);
    volatile float f = FLT_MIN;
    for (halvings = 0; f > 0; halvings++) f = f * 0.5f;
    printf("float halvings %d\n", halvings);
    volatile double a = 3e-310, b = 2.5e-310, c = 1e-320, scale = 0x1p600;
    printf("%016lx %016lx %016lx %016lx\n", bits(a + b), bits(a - b), bits(a * 3), bits(c / 3));
    printf("%016lx %016lx\n", bits(a * scale), bits(b / a));
    volatile float x = 1e-40f, y = 1.5e-45f;
    printf("%08x %08x %08x %016lx\n", bitsf(x + y), bitsf(x - y), bitsf(x / 7), bits(x));
    volatile double small = 1.1e-40, rounds = 0x1.0000018p-127;
    printf("%08x %08x\n", bitsf((float)small), bitsf((float)rounds));
    printf("ordered %d %d\n", c > 0, a < DBL_MIN);
    return 0;
}
