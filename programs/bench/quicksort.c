// Quicksort of argv[1] pseudo-random integers: unpredictable branches, recursion.
// args: 1000
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void sort(int32_t *v, long n) {
    while (n > 1) {
        int32_t pivot = v[n / 2];
        long i = 0, j = n - 1;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) {
                int32_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        sort(v, j + 1);
        v += i;
        n -= i;
    }
}

int main(int argc, char **argv) {
    long n = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    int32_t *v = malloc((size_t)n * sizeof *v);
    if (!v) return 1;
    uint32_t state = 1, digest = 0;
    for (long i = 0; i < n; i++) v[i] = (int32_t)(state = state * 1664525 + 1013904223);
    sort(v, n);
    long disorder = 0;
    for (long i = 0; i < n; i++) {
        disorder += i && v[i - 1] > v[i];
        digest = digest * 31 + (uint32_t)v[i];
    }
    printf("%ld sorted: disorder %ld digest %08x\n", n, disorder, digest);
    free(v);
    return 0;
}
