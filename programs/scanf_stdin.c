// scanf from standard input: numbers of several bases, strings, sets, and what is left over.
// stdin: 12 -7 0x1f 017 3.5e2 word [brackets] abc123 99bottles\nlast line here\n
#include <stdio.h>

int main(void) {
    int a, b, hex, octal, n;
    double d;
    char word[32], set[32], alpha[32], rest[64];
    printf("%d\n", scanf("%d %d %i %i %lf", &a, &b, &hex, &octal, &d));
    printf("%d %d %d %d %g\n", a, b, hex, octal, d);
    printf("%d\n", scanf("%31s [%31[^]]] %31[a-z]", word, set, alpha));
    printf("%s|%s|%s\n", word, set, alpha);
    unsigned u;
    printf("%d\n", scanf("%u%n", &u, &n));
    printf("%u %d\n", u, n);
    printf("%d\n", scanf("%d%*s", &a));
    printf("%d\n", a);
    printf("%d\n", scanf(" %63[^\n]", rest));
    printf("%s\n", rest);
    printf("%d\n", scanf("%d", &a) == EOF);
    return 0;
}
