// The C mathematics library: values and identities, rounded to ten digits.
// libs: -lm
#include <math.h>
#include <stdio.h>

int main(void) {
    static const double xs[] = {0.1, 0.5, 1.0, 2.0, 3.7, 10.25, 100.0};
    for (unsigned i = 0; i < sizeof xs / sizeof *xs; i++) {
        volatile double x = xs[i];
        printf("%g: %.10g %.10g %.10g %.10g\n", x, sin(x), cos(x), tan(x), atan(x));
        printf("   %.10g %.10g %.10g %.10g %.10g\n", exp(x), log(x), log2(x), log10(x), log1p(x));
        printf("   %.10g %.10g %.10g %.10g\n", sqrt(x), cbrt(x), pow(x, 1.7), pow(x, -3));
        printf("   %.10g %.10g %.10g %.10g\n", sinh(x / 10), cosh(x / 10), tanh(x), asinh(x));
        printf("   %.10g %.10g %.10g\n", erf(x / 4), tgamma(x / 10 + 1), lgamma(x + 1));
        printf("   identity %.10f\n", sin(x) * sin(x) + cos(x) * cos(x));
    }
    int exponent;
    double whole, fraction = frexp(1000.0, &exponent);
    printf("frexp %g %d ldexp %g ", fraction, exponent, ldexp(0.75, 10));
    fraction = modf(-12.375, &whole);
    printf("modf %g %g\n", fraction, whole);
    printf("fmod %g remainder %g hypot %.10g atan2 %.10g\n", fmod(17.5, 4), remainder(17.5, 4),
           hypot(3, 4), atan2(-1, -2));
    printf("fmin %g fmax %g fdim %g copysign %g\n", fmin(1, 2), fmax(1, 2), fdim(5, 3),
           copysign(3, -0.0));
    printf("float: %.6g %.6g %.6g\n", (double)sinf(1), (double)expf(2.5f), (double)powf(2, 0.5f));
    return 0;
}
