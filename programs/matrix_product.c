// Double-precision matrices: product, transpose, power, trace and an identity check.
// cflags: -ffp-contract=off
#include <stdio.h>
#include <string.h>

#define N 24

typedef double Matrix[N][N];

static void multiply(Matrix out, Matrix a, Matrix b) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += a[i][k] * b[k][j];
            out[i][j] = sum;
        }
}

static double trace(Matrix a) {
    double sum = 0;
    for (int i = 0; i < N; i++) sum += a[i][i];
    return sum;
}

int main(void) {
    static Matrix a, b, ab, ba, t, left, right;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 - 5;
            b[i][j] = 1.0 / (1 + i + j);
        }
    multiply(ab, a, b);
    multiply(ba, b, a);
    printf("trace %.12f %.12f\n", trace(ab), trace(ba));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) t[j][i] = ab[i][j];
    multiply(left, ab, t);
    double skew = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double d = left[i][j] - left[j][i];
            skew += d < 0 ? -d : d;
        }
    printf("corner %.10f skew %.3f\n", left[0][0], skew);
    memset(right, 0, sizeof right);
    for (int i = 0; i < N; i++) right[i][(i + 1) % N] = 1;
    memcpy(left, right, sizeof left);
    for (int p = 1; p < N; p++) {
        multiply(t, left, right);
        memcpy(left, t, sizeof left);
    }
    printf("rotation to the %d: trace %g\n", N, trace(left));
    return 0;
}
