// Run-length decoding whose output has no bound.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static u8 out[4096];

int main(void)
{
    long n = input(in, sizeof in);
    u8 *to = out;
    for (long i = 0; i + 1 < n; i += 2)
        for (int k = 0; k < in[i] * 64; k++) *to++ = in[i + 1];
    return out[0];
}
