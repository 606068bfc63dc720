// AES programs: key, vector (for CBC) and blocks from standard input, the result to standard output.
// argv[1] is ecb or cbc, argv[2] "decrypt" or missing.
#ifndef AES_MAIN_H
#define AES_MAIN_H

#include "../bare/bare.h"

void encrypt(const u8 *key, const u8 *from, u8 *to);
void decrypt(const u8 *key, const u8 *from, u8 *to);

u8 key[16], chain[16], text[1024], result[1024];

static inline u32 load32(const u8 *p) { return *(const u32 *)p; }
static inline u64 load64(const u8 *p) { return *(const u64 *)p; }
static inline void store32(u8 *p, u32 value) { *(u32 *)p = value; }
static inline void store64(u8 *p, u64 value) { *(u64 *)p = value; }

static void mask(u8 *to, const u8 *with)
{
    for (int i = 0; i < 16; i++) to[i] ^= with[i];
}

__attribute__((noinline)) void ecb(long count, int back)
{
    for (long at = 0; at < count; at += 16)
        (back ? decrypt : encrypt)(key, text + at, result + at);
}

__attribute__((noinline)) void cbc(long count, int back)
{
    for (long at = 0; at < count; at += 16) {
        if (back) {
            decrypt(key, text + at, result + at);
            mask(result + at, chain);
            memcpy(chain, text + at, 16);
        } else {
            mask(chain, text + at);
            encrypt(key, chain, result + at);
            memcpy(chain, result + at, 16);
        }
    }
}

int main(int argc, char **argv)
{
    int chained = argc > 1 && argv[1][0] == 'c', back = argc > 2;
    if (input(key, 16) != 16 || (chained && input(chain, 16) != 16)) return 1;
    long count = input(text, sizeof text) & ~15;
    (chained ? cbc : ecb)(count, back);
    output(result, count);
    return 0;
}

#endif
