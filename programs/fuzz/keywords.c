// A keyword compared by a loop, then a number that has to be in a range.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static int same(const u8 *a, const char *b)
{
    while (*b)
        if (*a++ != (u8)*b++) return 0;
    return 1;
}

int main(void)
{
    input(in, sizeof in - 1);
    if (!same(in, "version=")) return 1;
    u32 number = 0;
    for (u8 *p = in + 8; *p >= '0' && *p <= '9'; p++) number = number * 10 + *p - '0';
    if (number > 1000 && number < 2000) __builtin_trap();
    return 0;
}
