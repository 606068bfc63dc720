// AES-128 by T-tables, as it was long done: the tables are read at secret addresses.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// args: ecb
// stdin: 0123456789abcdef0123456789abcdef
#include "../bare/bare.h"
#include "aes_main.h"

static u8 box[256];
static u32 table[4][256];

static u8 double_(u8 x) { return (u8)(x << 1 ^ (x >> 7) * 0x1b); }

static void make_tables(void)
{
    u8 p = 1, q = 1;
    do { // p runs through all powers of 3, q through their inverses
        p = (u8)(p ^ double_(p));
        q ^= (u8)(q << 1);
        q ^= (u8)(q << 2);
        q ^= (u8)(q << 4);
        q ^= (u8)((q >> 7) * 0x09);
        u8 turned = (u8)(q << 1 | q >> 7) ^ (u8)(q << 2 | q >> 6) ^ (u8)(q << 3 | q >> 5);
        box[p] = (u8)(q ^ turned ^ (u8)(q << 4 | q >> 4) ^ 0x63);
    } while (p != 1);
    box[0] = 0x63;
    for (int i = 0; i < 256; i++) {
        u8 s = box[i], d = double_(s);
        u32 column = d | (u32)s << 8 | (u32)s << 16 | (u32)(s ^ d) << 24;
        for (int row = 0; row < 4; row++, column = column << 8 | column >> 24)
            table[row][i] = column;
    }
}

static u32 substitute(u32 x)
{
    return box[x & 255] | (u32)box[x >> 8 & 255] << 8 | (u32)box[x >> 16 & 255] << 16 |
           (u32)box[x >> 24] << 24;
}

void encrypt(const u8 *secret, const u8 *from, u8 *to)
{
    u32 rounds[44], state[4], old[4], constant = 1;
    if (!box[0]) make_tables();
    for (int i = 0; i < 44; i++) {
        if (i < 4) {
            rounds[i] = load32(secret + 4 * i);
            continue;
        }
        u32 last = rounds[i - 1];
        if (i % 4 == 0) {
            last = substitute(last >> 8 | last << 24) ^ constant;
            constant = double_((u8)constant);
        }
        rounds[i] = rounds[i - 4] ^ last;
    }
    for (int i = 0; i < 4; i++) state[i] = load32(from + 4 * i) ^ rounds[i];
    for (int round = 1; round <= 10; round++) {
        memcpy(old, state, 16);
        for (int i = 0; i < 4; i++) {
            u32 a = old[i] & 255, b = old[(i + 1) % 4] >> 8 & 255;
            u32 c = old[(i + 2) % 4] >> 16 & 255, d = old[(i + 3) % 4] >> 24;
            u32 mixed = round < 10 ? table[0][a] ^ table[1][b] ^ table[2][c] ^ table[3][d]
                                   : box[a] | (u32)box[b] << 8 | (u32)box[c] << 16 | (u32)box[d] << 24;
            state[i] = mixed ^ rounds[4 * round + i];
        }
    }
    for (int i = 0; i < 4; i++) store32(to + 4 * i, state[i]);
}

void decrypt(const u8 *secret, const u8 *from, u8 *to)
{
    (void)secret, (void)from, (void)to;
    call(94, 2, 0, 0); // only encryption is here
}
