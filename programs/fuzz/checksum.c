// A record is looked at only when the sum of its bytes is right.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

int main(void)
{
    long n = input(in, sizeof in);
    u8 sum = 0;
    if (n < 4 || in[0] > n - 2) return 1;
    for (int i = 0; i < in[0]; i++) sum = (u8)(sum + in[2 + i]);
    if (in[0] < 2 || sum != in[1]) return 2;
    if (in[2] == 0x7f) *(volatile int *)8 = 1;
    return 0;
}
