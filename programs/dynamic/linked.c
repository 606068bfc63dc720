// A program over a shared library of its own: calls both ways, TLS, data, order of destructors.
// libs: -lshape
#include "shape.h"

#include <stdio.h>
#include <stdlib.h>

static int comparisons;

static int by_size(const void *a, const void *b) {
    comparisons++;
    return *(const int *)a - *(const int *)b;
}

__attribute__((constructor)) static void begin(void) { puts("program: constructor"); }
__attribute__((destructor)) static void end(void) { puts("program: destructor"); }
static void at_exit(void) { printf("atexit: %d\n", shape_count); }

int main(void) {
    int sizes[] = {5, 3, 9, 1, 7, 2, 8};
    printf("%s %d\n", shape_version(), shape_count);
    shape_sort(sizes, 7, by_size);
    for (int i = 0; i < 7; i++) printf("%d:%d ", sizes[i], shape_area(sizes[i]));
    printf("\n%s %d %d\n", shape_version(), shape_count, comparisons > 6);
    shape_scale = 100;
    int (*area)(int) = shape_area;
    printf("%d\n", area(2));
    atexit(at_exit);
    return 3;
}
