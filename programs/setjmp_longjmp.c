// setjmp and longjmp: errors thrown through frames, values carried, loops restarted.
#include <setjmp.h>
#include <stdio.h>

static jmp_buf handler[4];
static int depth;

static void fail(int code) {
    longjmp(handler[--depth], code);
}

static double divide(double a, double b) {
    if (b == 0) fail(7);
    return a / b;
}

static int nested(int level) {
    volatile int reached = level;
    int code = setjmp(handler[depth++]);
    if (code) {
        printf("level %d caught %d\n", reached, code);
        return code + 1;
    }
    if (level == 3) fail(100);
    int inner = nested(level + 1);
    fail(inner);
    return -1;
}

int main(void) {
    volatile int tries = 0;
    int code = setjmp(handler[0]);
    printf("came with %d\n", code);
    if (tries++ < 3) longjmp(handler[0], tries * 10);
    depth = 1;
    if (setjmp(handler[0]) == 0) {
        printf("%g\n", divide(6, 3));
        printf("%g\n", divide(1, 0));
    } else {
        printf("division failed\n");
    }
    depth = 0;
    printf("outer %d\n", nested(0));
    jmp_buf zero;
    volatile int once = 0;
    code = setjmp(zero);
    if (!once++) longjmp(zero, 0);
    printf("zero becomes %d\n", code);
    return 0;
}
