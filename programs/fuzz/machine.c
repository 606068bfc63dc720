// A machine of a few states that breaks after one path through them.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

int main(void)
{
    long n = input(in, sizeof in);
    int state = 0;
    for (long i = 0; i < n; i++) {
        switch (state * 256 + in[i]) {
        case 0 * 256 + '<': state = 1; break;
        case 1 * 256 + '!': state = 2; break;
        case 2 * 256 + '-': state = 3; break;
        case 3 * 256 + '-': state = 4; break;
        case 4 * 256 + '>': state = 5; break;
        default: state = state < 4 ? 0 : state;
        }
        if (state == 5) __builtin_trap();
    }
    return state;
}
