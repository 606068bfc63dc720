// 128-bit long double: software floating point from the compiler's support library.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    volatile long double one = 1, three = 3, seven = 7;
    printf("%.34Lg\n%.34Lg\n", one / three, one / seven);
    long double e = 1, term = 1;
    for (int i = 1; i < 30; i++) {
        term /= i;
        e += term;
    }
    printf("e %.32Lf\n", e);
    long double x = 2, guess = 1;
    for (int i = 0; i < 8; i++) guess = (guess + x / guess) / 2;
    printf("sqrt2 %.32Lf\n", guess);
    volatile long double big = 1e300L, mixed = 12345678901234567890.0L;
    printf("%Le %.3Lf %ld\n", big * big, mixed * 3, (long)(mixed / 10));
    printf("%d %d %d %d\n", one < three, one == three, three > seven, seven >= seven);
    printf("%.10f %.7g\n", (double)(one / seven), (double)(float)(one / three));
    printf("%.30Lg\n", strtold("0.1234567890123456789012345678901", NULL));
    return 0;
}
