// A file that is written to after it was closed.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static struct { u8 *to; int open; u8 room[16]; } file;

static int is(int at, const char *word)
{
    int k = 0;
    while (word[k] && in[at + k] == (u8)word[k]) k++;
    return !word[k];
}

int main(void)
{
    long n = input(in, sizeof in - 8);
    for (int at = 0; at < n; at++) {
        if (is(at, "open")) file.open = 1, file.to = file.room;
        else if (is(at, "close") && file.open) file.to = 0;
        else if (is(at, "put") && file.open) *file.to = in[at + 3];
    }
    return 0;
}
