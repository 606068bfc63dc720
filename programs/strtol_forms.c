// strtol and its family: bases, prefixes, overflow with ERANGE, end pointers.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void show(const char *text, int base) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, base);
    int range = errno == ERANGE;
    printf("strtol('%s', %d) = %ld rest '%s' range %d\n", text, base, value, end, range);
}

int main(void) {
    show("42", 10);
    show("  -17abc", 10);
    show("0x7fG", 0);
    show("0x7f", 16);
    show("0755", 0);
    show("0b101", 0);
    show("zZ9", 36);
    show("10102", 2);
    show("9223372036854775807", 10);
    show("9223372036854775808", 10);
    show("-9223372036854775809", 10);
    show("+", 10);
    show("", 10);
    char *end;
    errno = 0;
    printf("%lu %d\n", strtoul("18446744073709551615", &end, 10), errno == ERANGE);
    printf("%lu\n", strtoul("-1", &end, 10));
    printf("%llx\n", strtoull("ffffffffffffffff", &end, 16));
    printf("%d %ld\n", atoi("-2147483648"), atol("123456789012"));
    return 0;
}
