// A radix-2 FFT: a tone's peak, the inverse, Parseval's sum and a convolution.
// libs: -lm
#include <complex.h>
#include <math.h>
#include <stdio.h>

#define N 256

typedef double complex Cell;

static void fft(Cell *x, int n, int sign) {
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            Cell t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
    for (int span = 2; span <= n; span *= 2) {
        double angle = sign * 2 * M_PI / span;
        for (int k = 0; k < span / 2; k++) {
            Cell w = cos(angle * k) + I * sin(angle * k);
            for (int i = k; i < n; i += span) {
                Cell t = x[i + span / 2] * w;
                x[i + span / 2] = x[i] - t;
                x[i] += t;
            }
        }
    }
}

int main(void) {
    static Cell x[N], a[N], b[N];
    static double v[N];
    double time_sum = 0, frequency_sum = 0, error = 0;
    for (int i = 0; i < N; i++) {
        v[i] = 3 * sin(2 * M_PI * 10 * i / N) + cos(2 * M_PI * 41 * i / N) + 0.5;
        x[i] = v[i];
        time_sum += v[i] * v[i];
    }
    fft(x, N, -1);
    for (int i = 0; i < N; i++) frequency_sum += creal(x[i]) * creal(x[i]) + cimag(x[i]) * cimag(x[i]);
    for (int i = 0; i <= N / 2; i++)
        if (cabs(x[i]) > 1) printf("bin %d: %.6f\n", i, cabs(x[i]) / N);
    printf("Parseval %.6f %.6f\n", time_sum, frequency_sum / N);
    fft(x, N, 1);
    for (int i = 0; i < N; i++) error += fabs(creal(x[i]) / N - v[i]);
    printf("round trip error below 1e-9: %d\n", error < 1e-9);
    // (1 + z + ... + z^9)^2 through the transform.
    for (int i = 0; i < 10; i++) a[i] = b[i] = 1;
    fft(a, 32, -1);
    fft(b, 32, -1);
    for (int i = 0; i < 32; i++) a[i] *= b[i];
    fft(a, 32, 1);
    for (int i = 0; i < 20; i++) printf("%ld ", lround(creal(a[i]) / 32));
    printf("\n");
    return 0;
}
