// Comparing a secret: byte by byte until one differs, and all bytes always; a division by a secret.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin: 0123456789abcdef
#include "../bare/bare.h"

u8 secret[16] = "the secret value";
u8 guess[16];

__attribute__((noinline)) int early_exit(const u8 *a, const u8 *b, int count)
{
    for (int i = 0; i < count; i++)
        if (a[i] != b[i])
            return 1;
    return 0;
}

__attribute__((noinline)) int constant_time(const u8 *a, const u8 *b, int count)
{
    u32 unlike = 0;
    for (int i = 0; i < count; i++) unlike |= a[i] ^ b[i];
    return (int)((unlike + 0xff) >> 8);
}

__attribute__((noinline)) u64 division(u64 amount, u64 by) { return amount / (by | 1); }

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    input(guess, sizeof guess);
    int unlike = early_exit(secret, guess, 16) + constant_time(secret, guess, 16);
    u8 shown = (u8)('0' + unlike);
    output(&shown, 1);
    return (int)(division(1000, secret[0]) & 0);
}
