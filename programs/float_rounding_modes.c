// The four rounding modes through fenv: arithmetic, conversion to integers, and exception flags.
// cflags: -frounding-math
// libs: -lm
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Volatile operands keep the arithmetic at run time, where the rounding mode is.
static volatile double one = 1, three = 3, ten = 10, tiny = 0x1p-60, big = 0x1.fffffffffffffp1023;
static volatile double half[] = {-2.5, -1.5, -0.5, -0.25, 0.25, 0.5, 1.5, 2.5, 1e15 + 0.5};

static uint64_t bits(double d) {
    uint64_t u;
    memcpy(&u, &d, sizeof u);
    return u;
}

static void show(const char *name, int mode) {
    fesetround(mode);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double third = one / three, tenth = one / ten, sum = one + tiny, less = one - tiny;
    volatile double root = sqrt(three), over = big * ten, negative = -big * ten;
    volatile float narrow = (float)tenth;
    uint32_t single;
    float copy = narrow;
    memcpy(&single, &copy, sizeof single);
    int inexact = !!fetestexcept(FE_INEXACT), overflow = !!fetestexcept(FE_OVERFLOW);
    long near[9];
    double whole[9];
    for (int i = 0; i < 9; i++) {
        near[i] = lrint(half[i]);
        whole[i] = nearbyint(half[i]);
    }
    // printf rounds by the mode too: go back to nearest before printing.
    fesetround(FE_TONEAREST);
    printf("%s: %016lx %016lx %016lx %016lx %016lx %08x\n", name, bits(third), bits(tenth),
           bits(sum), bits(less), bits(root), single);
    printf("  over %016lx %016lx inexact %d overflow %d\n ", bits(over), bits(negative), inexact,
           overflow);
    for (int i = 0; i < 9; i++) printf(" %ld/%.0f", near[i], whole[i]);
    printf("\n");
}

int main(void) {
    show("nearest", FE_TONEAREST);
    show("up", FE_UPWARD);
    show("down", FE_DOWNWARD);
    show("zero", FE_TOWARDZERO);
    printf("mode is nearest again: %d\n", fegetround() == FE_TONEAREST);
    return 0;
}
