// printf of doubles: %f %e %g %a, widths, precisions, signs, rounding of halves, extremes.
#include <float.h>
#include <stdio.h>

int main(void) {
    static const double value[] = {0.0,     1.0,     -1.5,      3.14159265358979, 1e10,
                                   1e-10,   123456789.125, 0.1, 2.5,              1e100,
                                   DBL_MAX, DBL_MIN, 4.9406564584124654e-324};
    for (unsigned i = 0; i < sizeof value / sizeof *value; i++) {
        double v = value[i];
        printf("[%g] [%e] [%.3e] [%.17g] [%G]\n", v, v, v, v, v);
        if (v < 1e20) printf("[%f] [%.0f] [%.10f] [%+12.3f] [%-12.2f]\n", v, v, v, v, v);
    }
    for (int i = 0; i < 8; i++) printf("%.0f %.1f ", i + 0.5, i / 4.0 + 0.05);
    printf("\n%a %a %A %.2a\n", 1.0, -0.1, 255.5, 3.999);
    printf("%08.3f|% f|%#.0f|%#g|%+g|%*.*f|\n", 3.14159, 2.0, 5.0, 1.5, 0.0, 10, 2, 2.71828);
    printf("%.40f\n%.60g\n", 0.1, 1.0 / 3.0);
    printf("%g %g %g %g\n", 100000.0, 1000000.0, 0.0001, 0.00001);
    printf("%f %g\n", (double)FLT_MAX, (double)FLT_EPSILON);
    return 0;
}
