// Width times height in sixteen bits: a large picture gets a small buffer.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static volatile u8 pixels[65536];

int main(void)
{
    long n = input(in, sizeof in);
    if (n < 8 || in[0] != 'P' || in[1] != '6') return 1;
    unsigned short width = *(unsigned short *)(in + 2), height = *(unsigned short *)(in + 4);
    unsigned short size = (unsigned short)(width * height);
    if (size > 4096 || width > 4096) return 2;
    for (u32 y = 0; y < height; y++) pixels[(u64)y * width] = in[6];
    return 0;
}
