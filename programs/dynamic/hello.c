// The C library from outside: stdio, malloc, qsort over a callback, libm, arguments, environment.
// libs: -lm
// args: one 'two words'
// env: NAME=value LAST=x
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int descending(const void *a, const void *b) {
    return *(const int *)b - *(const int *)a;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) printf("%d: %s\n", i, argv[i]);
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "LD_", 3)) puts(*e);
    printf("NAME is %s\n", getenv("NAME"));

    int *numbers = malloc(1000 * sizeof *numbers);
    unsigned state = 1;
    for (int i = 0; i < 1000; i++) numbers[i] = (int)((state = state * 1103515245 + 12345) >> 16);
    qsort(numbers, 1000, sizeof *numbers, descending);
    printf("%d %d %d\n", numbers[0], numbers[500], numbers[999]);
    numbers = realloc(numbers, 1 << 20); // beyond the threshold of mmap
    printf("%d\n", numbers[0]);
    free(numbers);

    for (double x = 0.5; x < 4; x += 1)
        printf("%.17g %.17g %.17g %.17g\n", sin(x), exp(x), pow(x, 1.5), lgamma(x));
    printf("%s\n", strerror(ENOENT));
    fprintf(stderr, "done\n");
    return 7;
}
