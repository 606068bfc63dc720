// Continued fractions of floats, gcd and modular inverses: long chains of dependent divisions.
// libs: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>

static int64_t gcd(int64_t a, int64_t b, int64_t *x, int64_t *y) {
    if (!b) {
        *x = 1, *y = 0;
        return a;
    }
    int64_t s, t, g = gcd(b, a % b, &s, &t);
    *x = t;
    *y = s - a / b * t;
    return g;
}

static void fraction(const char *name, double v) {
    int64_t p = 1, q = 0, pp = 0, qq = 1;
    printf("%s:", name);
    double x = v;
    for (int i = 0; i < 9; i++) {
        int64_t a = (int64_t)floor(x), t = a * p + pp;
        pp = p, p = t;
        t = a * q + qq;
        qq = q, q = t;
        printf(" %ld", (long)a);
        if (x - (double)a < 1e-6) break;
        x = 1 / (x - (double)a);
    }
    printf(" = %ld/%ld error below 1e-3 %d\n", (long)p, (long)q, fabs((double)p / (double)q - v) < 1e-3);
}

int main(void) {
    fraction("pi", 3.14159265358979);
    fraction("sqrt 2", 1.41421356237310);
    fraction("golden", 1.61803398874989);
    fraction("0.15625", 0.15625);
    unsigned wrong = 0;
    int64_t m = 1000000007, sum = 0;
    for (int64_t a = 2; a < 900; a++) {
        int64_t x, y;
        wrong += gcd(a, m, &x, &y) != 1;
        x = (x % m + m) % m;
        wrong += a * x % m != 1;
        sum = (sum * 31 + x) % m;
    }
    printf("wrong %u sum %ld\n", wrong, (long)sum);
    return 0;
}
