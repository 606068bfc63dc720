// Dense and sparse switches, fall-through, and computed goto: jump tables and branch trees.
#include <stdio.h>

__attribute__((noinline)) static int dense(int x) {
    switch (x) {
    case 0: return 17;
    case 1: return x + 3;
    case 2: return -5;
    case 3:
    case 4: return x * x;
    case 5: x++; /* fall through */
    case 6: x += 10; /* fall through */
    case 7: return x;
    case 8: return 1000;
    case 9: return x << 4;
    case 11: return ~x;
    default: return -1;
    }
}

__attribute__((noinline)) static const char *sparse(long x) {
    switch (x) {
    case -1000000: return "minus a million";
    case -1: return "minus one";
    case 'a': return "letter";
    case 4096: return "page";
    case 1l << 40: return "tera";
    default: return x < 0 ? "negative" : "other";
    }
}

static int machine(const unsigned char *code) {
    static const void *const op[] = {&&push, &&add, &&mul, &&dup, &&halt};
    int stack[16], sp = 0;
    goto *op[*code];
push:
    stack[sp++] = *++code;
    goto *op[*++code];
add:
    sp--;
    stack[sp - 1] += stack[sp];
    goto *op[*++code];
mul:
    sp--;
    stack[sp - 1] *= stack[sp];
    goto *op[*++code];
dup:
    stack[sp] = stack[sp - 1];
    sp++;
    goto *op[*++code];
halt:
    return stack[sp - 1];
}

int main(void) {
    for (int x = -2; x < 14; x++) printf("%d ", dense(x));
    static const long keys[] = {-1000000, -1, 'a', 4096, 1l << 40, 5, -5};
    printf("\n");
    for (int i = 0; i < 7; i++) printf("%s; ", sparse(keys[i]));
    static const unsigned char code[] = {0, 7, 3, 2, 0, 5, 1, 3, 1, 4};
    printf("\n%d\n", machine(code));
    return 0;
}
