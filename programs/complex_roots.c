// Roots of polynomials in complex arithmetic by simultaneous iteration.
// libs: -lm
#include <complex.h>
#include <math.h>
#include <stdio.h>

static void roots(const double *coefficient, int n) {
    double complex z[8];
    for (int i = 0; i < n; i++) z[i] = cpow(0.4 + 0.9 * I, i);
    for (int round = 0; round < 60; round++)
        for (int i = 0; i < n; i++) {
            double complex value = 1, others = 1;
            for (int k = 1; k <= n; k++) value = value * z[i] + coefficient[k - 1];
            for (int k = 0; k < n; k++)
                if (k != i) others *= z[i] - z[k];
            z[i] -= value / others;
        }
    // Sorted by real part then imaginary, after rounding; the zero is added to lose a minus sign.
    for (int i = 0; i < n; i++) z[i] = round(creal(z[i]) * 1e6) + I * round(cimag(z[i]) * 1e6);
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++)
            if (creal(z[k]) < creal(z[i]) || (creal(z[k]) == creal(z[i]) && cimag(z[k]) < cimag(z[i]))) {
                double complex t = z[i];
                z[i] = z[k];
                z[k] = t;
            }
    for (int i = 0; i < n; i++) printf("(%.5f, %.5f) ", creal(z[i]) / 1e6 + 0.0, cimag(z[i]) / 1e6 + 0.0);
    printf("\n");
}

int main(void) {
    roots((double[]){-6, 11, -6}, 3);
    roots((double[]){0, 0, 0, -1}, 4);
    roots((double[]){1, 1}, 2);
    roots((double[]){-2.5, 3, 1.25, -4, 0.5}, 5);
    return 0;
}
