// memmove with overlap in both directions, memcpy and memset at many sizes and alignments.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t a[600], b[600];

static void fill(uint8_t *p, unsigned seed) {
    for (int i = 0; i < 600; i++) p[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
}

static unsigned sum(const uint8_t *p) {
    unsigned s = 1;
    for (int i = 0; i < 600; i++) s = s * 16777619 ^ p[i];
    return s;
}

int main(void) {
    unsigned wrong = 0, digest = 0;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 96, 127, 129, 256, 300};
    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        size_t n = sizes[k];
        for (int shift = -33; shift <= 33; shift += 6) {
            fill(a, k);
            memcpy(b, a, 600);
            memmove(a + 100 + shift, a + 100, n);
            volatile uint8_t *to = b + 100 + shift, *from = b + 100;
            if (shift < 0)
                for (size_t i = 0; i < n; i++) to[i] = from[i];
            else
                for (size_t i = n; i-- > 0;) to[i] = from[i];
            wrong += memcmp(a, b, 600) != 0;
            digest = digest * 31 + sum(a);
        }
        memset(a + 50 + k, (int)k + 1, n);
        memcpy(b + 20, a + 50 + k, n);
        digest = digest * 31 + sum(a) + sum(b);
    }
    printf("wrong %u digest %08x\n", wrong, digest);
    return 0;
}
