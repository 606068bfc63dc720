// Constructors and destructors by priority, thread-local storage, and initialised statics.
#include <stdio.h>

static int order[8], n;
static _Thread_local int counter = 40;
static _Thread_local long zeroed[4];
static int *const pointer = &order[3];

__attribute__((constructor(201))) static void second(void) { order[n++] = 2; }
__attribute__((constructor(101))) static void first(void) { order[n++] = 1; }
__attribute__((constructor)) static void third(void) { order[n++] = 3; }
__attribute__((destructor(101))) static void last(void) { printf("destructor 101\n"); }
__attribute__((destructor(201))) static void early(void) { printf("destructor 201\n"); }

int main(void) {
    for (int i = 0; i < n; i++) printf("constructor %d\n", order[i]);
    counter += 2;
    zeroed[2] = counter;
    printf("thread local %d %ld %ld\n", counter, zeroed[1], zeroed[2]);
    *pointer = 9;
    printf("relocated pointer %d\n", order[3]);
    return 0;
}
