// A length in the input is believed: a copy runs over the return address.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

__attribute__((noinline)) static int copy(const u8 *from, int count)
{
    volatile u8 local[16];
    for (int i = 0; i < count; i++) local[i] = from[i];
    __asm__ volatile("" ::: "x19", "x30", "memory");
    return local[3];
}

int main(void)
{
    long n = input(in, sizeof in);
    if (n < 2 || in[0] >= n) return 1;
    return copy(in + 1, in[0]);
}
