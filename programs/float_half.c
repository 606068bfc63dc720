// Half precision: every finite __fp16 value widens and narrows back to itself; rounding on the way.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static double widen(uint16_t u) {
    __fp16 h;
    memcpy(&h, &u, sizeof h);
    return (double)(float)h;
}

static uint16_t narrow(float f) {
    __fp16 h = (__fp16)f;
    uint16_t u;
    memcpy(&u, &h, sizeof u);
    return u;
}

int main(void) {
    unsigned same = 0, finite = 0;
    for (unsigned u = 0; u < 0x10000; u += 3) {
        if ((u & 0x7c00) == 0x7c00) continue;
        finite++;
        same += narrow((float)widen((uint16_t)u)) == u;
    }
    printf("finite %u round trips %u\n", finite, same);
    static volatile float cases[] = {1.0f,    1.00048828125f, 1.0009765625f, 65504.0f, 65519.0f,
                                     65520.0f, 6.1e-5f,       5.96e-8f,      2.9e-8f,  2.98023e-8f,
                                     -0.1f,   3.14159f};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        printf("%.9g -> %04x = %.10g\n", (double)cases[i], narrow(cases[i]), widen(narrow(cases[i])));
    __fp16 sum = 0;
    for (int i = 0; i < 3000; i++) sum = (__fp16)((float)sum + 1.0f);
    printf("counting stops at %g\n", (double)sum);
    volatile double direct = 1.00048828125 + 1e-9;
    __fp16 h = (__fp16)direct;
    uint16_t u;
    memcpy(&u, &h, 2);
    printf("double to half in one rounding %04x\n", u);
    return 0;
}
