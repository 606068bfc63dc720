// A pool whose free list is corrupted when a block is given back twice.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0
#include "../bare/bare.h"

static u8 in[64];

static struct block { struct block *next; u64 used; u8 data[16]; } pool[8], *list;

int main(void)
{
    struct block *held[8] = {0};
    long n = input(in, sizeof in);
    for (int i = 0; i < 8; i++) pool[i].next = list, list = &pool[i];
    for (long i = 0; i + 1 < n; i += 2) {
        struct block **slot = &held[in[i + 1] & 7];
        if (in[i] == 'a' && list && !*slot) {
            *slot = list, list = list->next;
            if ((*slot)->used++) __builtin_trap();
        }
        if (in[i] == 'f' && *slot) (*slot)->used = 0, (*slot)->next = list, list = *slot;
        if (in[i] == 'c') *slot = 0;
    }
    return 0;
}
