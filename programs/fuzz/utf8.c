// A decoder whose four-byte form indexes a table without a check.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static u8 width[0x110];
static volatile u8 *pages[0x110];
static u8 page[4096];

int main(void)
{
    long n = input(in, sizeof in);
    for (int i = 0; i < 0x100; i++) pages[i] = page;
    for (long i = 0; i < n;) {
        u32 c = in[i++];
        if (c >= 0xf0 && i + 2 < n) {
            c = (c & 7) << 18 | (in[i] & 63u) << 12 | (in[i + 1] & 63u) << 6 | (in[i + 2] & 63u);
            i += 3;
        } else if (c >= 0xc0 && i < n) c = (c & 31) << 6 | (in[i++] & 63u);
        width[pages[c >> 12][c & 4095] & 1] = 1;
    }
    return width[0];
}
