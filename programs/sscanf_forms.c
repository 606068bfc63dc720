// sscanf over a table of strings: dates, hex bytes, widths, suppressed fields, failures.
#include <stdio.h>

int main(void) {
    int y, m, d, n = -1;
    printf("%d ", sscanf("2024-02-29", "%4d-%2d-%2d", &y, &m, &d));
    printf("%d %d %d\n", y, m, d);
    unsigned byte[4];
    printf("%d ", sscanf("deadBEEF", "%2x%2x%2x%2x", byte, byte + 1, byte + 2, byte + 3));
    printf("%u %u %u %u\n", byte[0], byte[1], byte[2], byte[3]);
    float f;
    double g;
    printf("%d ", sscanf("1.25e3,-0.5", "%f,%lf%n", &f, &g, &n));
    printf("%g %g %d\n", (double)f, g, n);
    char key[16], value[16];
    static const char *pairs[] = {"name=ncpu", "bits = 64", "broken", "=x", "a=b=c"};
    for (int i = 0; i < 5; i++) {
        key[0] = value[0] = 0;
        int got = sscanf(pairs[i], "%15[^= ] = %15s", key, value);
        printf("%d [%s] [%s]\n", got, key, value);
    }
    long l;
    short h;
    signed char c;
    printf("%d ", sscanf("9000000000 -300 -5", "%ld %hd %hhd", &l, &h, &c));
    printf("%ld %d %d\n", l, h, c);
    char a, b;
    printf("%d ", sscanf("x y", "%c %c", &a, &b));
    printf("%c%c %d\n", a, b, sscanf("", "%d", &y));
    return 0;
}
