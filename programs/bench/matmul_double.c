// The product of two argv[1] x argv[1] matrices of doubles; the entries are small integers.
// args: 16
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 128;
    double *a = malloc(n * n * sizeof *a), *b = malloc(n * n * sizeof *b), *c = calloc(n * n, sizeof *c);
    if (!a || !b || !c) return 1;
    for (size_t i = 0; i < n * n; i++) {
        a[i] = (double)(i * 7 % 13) - 6;
        b[i] = (double)(i * 5 % 17) - 8;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            double x = a[i * n + k];
            for (size_t j = 0; j < n; j++) c[i * n + j] += x * b[k * n + j];
        }
    double trace = 0, sum = 0;
    for (size_t i = 0; i < n * n; i++) sum += c[i] * (double)(i % 3 + 1);
    for (size_t i = 0; i < n; i++) trace += c[i * n + i];
    printf("%zu: trace %.0f sum %.0f\n", n, trace, sum);
    return 0;
}
