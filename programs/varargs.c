// Variable arguments: integers and doubles past the register area, va_copy, vsnprintf.
#include <stdarg.h>
#include <stdio.h>

static long sum(int count, ...) {
    va_list ap;
    long total = 0;
    va_start(ap, count);
    for (int i = 0; i < count; i++) total = total * 3 + va_arg(ap, int);
    va_end(ap);
    return total;
}

typedef struct {
    double x, y;
} Point;

typedef struct {
    long a, b, c;
} Large;

static void mixed(const char *kinds, ...) {
    va_list ap, copy;
    va_start(ap, kinds);
    va_copy(copy, ap);
    int arguments = 0;
    for (const char *k = kinds; *k; k++, arguments++) {
        Point p;
        Large l;
        switch (*k) {
        case 'i': printf("%d ", va_arg(ap, int)); break;
        case 'l': printf("%ld ", va_arg(ap, long)); break;
        case 'd': printf("%g ", va_arg(ap, double)); break;
        case 's': printf("%s ", va_arg(ap, const char *)); break;
        case 'c': printf("%c ", va_arg(ap, int)); break;
        case 'p': p = va_arg(ap, Point); printf("(%g,%g) ", p.x, p.y); break;
        case 'L': l = va_arg(ap, Large); printf("<%ld %ld %ld> ", l.a, l.b, l.c); break;
        }
    }
    if (kinds[0] == 'i') printf("first again %d", va_arg(copy, int));
    va_end(copy);
    va_end(ap);
    printf(" (%d)\n", arguments);
}

static int format(char *out, size_t size, const char *form, ...) {
    va_list ap;
    va_start(ap, form);
    int n = vsnprintf(out, size, form, ap);
    va_end(ap);
    return n;
}

int main(void) {
    printf("%ld %ld\n", sum(3, 1, 2, 3), sum(12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -12));
    mixed("idlsc", 1, 2.5, 1l << 40, "text", 'z');
    mixed("dddddddddd", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0);
    mixed("ipLipLi", 1, (Point){1, 2}, (Large){3, 4, 5}, 6, (Point){7, 8}, (Large){9, 10, 11}, 12);
    char out[20];
    int n = format(out, sizeof out, "%s %d %g %s", "clipped", 12345, 0.5, "never seen");
    printf("%d [%s]\n", n, out);
    return 0;
}
