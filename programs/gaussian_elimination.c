// Gaussian elimination with partial pivoting: solve, determinant, and exact rationals beside it.
// libs: -lm
#include <math.h>
#include <stdio.h>

#define N 5

typedef struct {
    long num, den;
} Ratio;

static long gcd(long a, long b) { return b ? gcd(b, a % b) : a < 0 ? -a : a; }

static Ratio ratio(long n, long d) {
    long g = gcd(n, d);
    if (d < 0) g = -g;
    return (Ratio){n / g, d / g};
}

static Ratio less_product(Ratio a, Ratio b, Ratio c) {
    Ratio p = ratio(b.num * c.num, b.den * c.den);
    return ratio(a.num * p.den - p.num * a.den, a.den * p.den);
}

int main(void) {
    static const int m[N][N + 1] = {{2, -1, 0, 3, 1, 9},
                                    {4, 1, -2, 0, 2, 3},
                                    {-1, 5, 2, 1, 0, 14},
                                    {0, 2, 7, -3, 1, 10},
                                    {3, 0, 1, 2, -4, -2}};
    double a[N][N + 1], determinant = 1;
    Ratio r[N][N + 1], exact = {1, 1};
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= N; j++) a[i][j] = m[i][j], r[i][j] = (Ratio){m[i][j], 1};
    for (int c = 0; c < N; c++) {
        int best = c;
        for (int i = c + 1; i < N; i++)
            if (fabs(a[i][c]) > fabs(a[best][c])) best = i;
        for (int j = 0; j <= N && best != c; j++) {
            double t = a[c][j];
            a[c][j] = a[best][j];
            a[best][j] = t;
            Ratio u = r[c][j];
            r[c][j] = r[best][j];
            r[best][j] = u;
        }
        if (best != c) determinant = -determinant, exact.num = -exact.num;
        determinant *= a[c][c];
        exact = ratio(exact.num * r[c][c].num, exact.den * r[c][c].den);
        for (int i = 0; i < N; i++) {
            if (i == c) continue;
            double k = a[i][c] / a[c][c];
            Ratio q = ratio(r[i][c].num * r[c][c].den, r[i][c].den * r[c][c].num);
            for (int j = c; j <= N; j++) {
                a[i][j] -= k * a[c][j];
                r[i][j] = less_product(r[i][j], q, r[c][j]);
            }
        }
    }
    printf("determinant %.9f = %ld/%ld\n", determinant, exact.num, exact.den);
    for (int i = 0; i < N; i++) {
        Ratio x = ratio(r[i][N].num * r[i][i].den, r[i][N].den * r[i][i].num);
        printf("x%d = %.9f = %ld/%ld\n", i, a[i][N] / a[i][i], x.num, x.den);
    }
    return 0;
}
