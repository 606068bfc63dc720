// A shared library: TLS, a variable others copy, an ifunc, constructors and destructors.
#include "shape.h"

#include <stdio.h>
#include <stdlib.h>

__thread int shape_count = 40;
static __thread char block[300]; // zero at the start of every thread
int shape_scale = 3;

__attribute__((constructor(101))) static void first(void) { puts("library: first constructor"); }
__attribute__((constructor(102))) static void second(void) { puts("library: second constructor"); }
__attribute__((destructor(101))) static void last(void) { puts("library: last destructor"); }
__attribute__((destructor(102))) static void before(void) { puts("library: destructor"); }

void shape_sort(int *sizes, int count, shape_order order) {
    qsort(sizes, (size_t)count, sizeof *sizes, order);
    shape_count += count;
    block[shape_count % 300] = 1;
}

#ifdef __GLIBC__
static int plain_area(int size) { return size * size * shape_scale; }
static int (*choose_area(void))(int) { return plain_area; } // an IRELATIVE relocation
int shape_area(int size) __attribute__((ifunc("choose_area")));
#else
int shape_area(int size) { return size * size * shape_scale; } // musl knows no ifunc
#endif

const char *shape_version(void) {
    int used = 0;
    for (int i = 0; i < 300; i++) used += block[i];
    return used ? "used" : "fresh";
}
