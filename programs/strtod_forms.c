// strtod: decimal, hex, exact halves, long digit strings, infinities, end pointers.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    static const char *text[] = {
        "0", "-0", "1.5", "  +3.25rest", ".5", "5.", "1e3", "1e+", "1e-5x", "0x1.8p3", "-0x.8p-1",
        "inf", "-Infinity!", "1e308", "1e309", "4.9e-324", "2.2250738585072011e-308",
        "9007199254740993", "9007199254740992.99999999999999999999", "0.1", "123456789012345678901234567890",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203126",
        "179769313486231580793728971405301e276", "abc", "", "1_000"};
    for (unsigned i = 0; i < sizeof text / sizeof *text; i++) {
        char *end;
        double d = strtod(text[i], &end);
        uint64_t u;
        memcpy(&u, &d, 8);
        printf("%016lx %.17g rest '%s'\n", (unsigned long)u, d, end);
    }
    char *end;
    printf("nan %d rest '%s'\n", !!isnan(strtod("nan", &end)), end);
    printf("%.9g %.9g\n", (double)strtof("0.1", NULL), (double)strtof("16777217", NULL));
    printf("%g\n", atof("2.5e1"));
    return 0;
}
