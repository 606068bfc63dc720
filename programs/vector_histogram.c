// A histogram, its running sums and a counting sort: scattered increments and prefix sums.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t data[8192], sorted[8192];
static uint32_t count[256], start[257];

int main(void) {
    uint32_t s = 99;
    for (unsigned i = 0; i < sizeof data; i++) {
        s = s * 1664525 + 1013904223;
        // The minimum of two makes small values more common.
        uint8_t a = (uint8_t)(s >> 24), b = (uint8_t)(s >> 16);
        data[i] = a < b ? a : b;
    }
    for (unsigned i = 0; i < sizeof data; i++) count[data[i]]++;
    for (int v = 0; v < 256; v++) start[v + 1] = start[v] + count[v];
    uint32_t next[256];
    memcpy(next, start, sizeof next);
    for (unsigned i = 0; i < sizeof data; i++) sorted[next[data[i]]++] = data[i];
    unsigned disorder = 0, digest = 0;
    for (unsigned i = 1; i < sizeof sorted; i++) disorder += sorted[i - 1] > sorted[i];
    for (int v = 0; v < 256; v++) digest = digest * 31 + count[v];
    printf("disorder %u total %u median %u digest %08x\n", disorder, start[256],
           sorted[sizeof sorted / 2], digest);
    for (int v = 0; v < 256; v += 32) {
        unsigned total = start[v + 32] - start[v];
        printf("%3d %5u ", v, total);
        for (unsigned k = 0; k < total / 40; k++) putchar('*');
        putchar('\n');
    }
    return 0;
}
