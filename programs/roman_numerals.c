// Roman numerals there and back for every number below 4000.
// args: 1994 XLII 3999 MMXXIV
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int value;
    const char *text;
} unit[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
            {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}};

static void roman(int n, char *out) {
    *out = 0;
    for (int i = 0; i < 13; i++)
        for (; n >= unit[i].value; n -= unit[i].value) out = strcat(out, unit[i].text);
}

static int number(const char *s) {
    int total = 0;
    for (int i = 0; i < 13; i++)
        for (size_t n = strlen(unit[i].text); !strncmp(s, unit[i].text, n); s += n) total += unit[i].value;
    return *s ? -1 : total;
}

int main(int argc, char **argv) {
    char text[32];
    unsigned wrong = 0;
    size_t longest = 0;
    int which = 0;
    for (int n = 1; n < 4000; n++) {
        roman(n, text);
        wrong += number(text) != n;
        if (strlen(text) > longest) longest = strlen(text), which = n;
    }
    roman(which, text);
    printf("wrong %u longest %d %s\n", wrong, which, text);
    for (int i = 1; i < argc; i++) {
        if (isdigit((unsigned char)argv[i][0])) {
            roman(atoi(argv[i]), text);
            printf("%s = %s\n", argv[i], text);
        } else {
            printf("%s = %d\n", argv[i], number(argv[i]));
        }
    }
    return 0;
}
