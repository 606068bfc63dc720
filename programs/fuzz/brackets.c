// Nested brackets, one call each: deep nesting leaves the stack.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static long length, at;

__attribute__((noinline)) static int nested(int depth)
{
    volatile u8 room[2000];
    room[depth & 1023] = 1;
    while (at < length && in[at] != ']') {
        if (in[at++] == '[') room[1] = (u8)nested(depth + 1);
    }
    at++;
    return room[1];
}

int main(void)
{
    length = input(in, sizeof in);
    return nested(0);
}
