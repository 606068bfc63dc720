// Four bytes, compared one after the other.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

int main(void)
{
    long n = input(in, sizeof in);
    if (n > 3 && in[0] == 'N')
        if (in[1] == 'C')
            if (in[2] == 'P')
                if (in[3] == 'U') __builtin_trap();
    return 0;
}
