// printf of integers, characters and strings: every flag, length modifier and conversion.
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>

int main(void) {
    static const int v[] = {0, 1, -1, 42, INT_MAX, INT_MIN};
    for (int i = 0; i < 6; i++) {
        printf("[%d][%5d][%-5d][%05d][%+d][% d][%.3d][%8.3d]\n", v[i], v[i], v[i], v[i], v[i], v[i],
               v[i], v[i]);
        printf("[%u][%x][%X][%#x][%o][%#o][%08x]\n", (unsigned)v[i], (unsigned)v[i], (unsigned)v[i],
               (unsigned)v[i], (unsigned)v[i], (unsigned)v[i], (unsigned)v[i]);
    }
    printf("%hhd %hhu %hd %hu\n", (signed char)-56, (unsigned char)200, (short)-25536,
           (unsigned short)40000);
    printf("%ld %lu %lld %llu\n", LONG_MIN, ULONG_MAX, LLONG_MAX, ULLONG_MAX);
    printf("%jd %zu %td %" PRId64 " %" PRIx8 "\n", (intmax_t)-5, sizeof(long), (ptrdiff_t)-7,
           INT64_C(1) << 40, (uint8_t)0xab);
    printf("[%c][%5c][%-5c][%s][%10s][%-10s][%.2s][%10.3s]\n", 'a', 'b', 'c', "str", "right", "left",
           "cut", "middle");
    printf("[%*d][%-*d][%.*s][%%]\n", 6, 42, 6, 42, 2, "xyz");
    int n = 0;
    printf("counted%n", &n);
    printf(" %d\n", n);
    char buffer[16];
    n = snprintf(buffer, sizeof buffer, "%s-%d", "a long piece of text", 7);
    printf("%d [%s]\n", n, buffer);
    return 0;
}
