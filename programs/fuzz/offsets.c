// A chain of offsets that may point outside of the input.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

int main(void)
{
    long n = input(in, sizeof in);
    if (n < 12 || *(unsigned short *)in != 0x4b50) return 1;
    u32 at = 2, left = 8;
    while (left-- && *(u32 *)(in + at)) {
        u32 step = *(u32 *)(in + at);
        if (step > 0x10000000) return 2;
        at += step;
    }
    return (int)at;
}
