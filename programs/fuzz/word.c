// Four bytes, compared all at once with a number in the code.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

int main(void)
{
    long n = input(in, sizeof in);
    if (n >= 8 && *(u32 *)in == 0xdeadbeef && in[7] > 'a') __builtin_trap();
    return 0;
}
