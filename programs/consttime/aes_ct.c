// AES-128 without tables or secret branches: eight bytes of the state at a time in one register.
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns
// libs: -nostdlib -Wl,-z,max-page-size=4096
// args: ecb
// stdin: 0123456789abcdef0123456789abcdef
#include "../bare/bare.h"
#include "aes_main.h"

#define EACH(byte) (0x0101010101010101ul * (byte))

// Every byte times x in GF(2^8).
static inline u64 times_x(u64 a)
{
    u64 high = (a >> 7) & EACH(1);
    return ((a & EACH(0x7f)) << 1) ^ high * 0x1b;
}

static inline u64 times(u64 a, u64 b)
{
    u64 product = 0;
    for (int bit = 0; bit < 8; bit++) {
        product ^= a & ((b & EACH(1)) * 0xff);
        a = times_x(a);
        b = (b >> 1) & EACH(0x7f);
    }
    return product;
}

// Every byte to its inverse, 0 to 0: the 254th power.
static u64 inverse(u64 x)
{
    u64 x2 = times(x, x), x3 = times(x2, x), x6 = times(x3, x3), x12 = times(x6, x6);
    u64 x15 = times(x12, x3), x30 = times(x15, x15), x60 = times(x30, x30);
    u64 x120 = times(x60, x60), x126 = times(x120, x6), x127 = times(x126, x);
    return times(x127, x127);
}

static inline u64 turn(u64 x, int by)
{
    u64 low = EACH((0xff >> by) & 0xff);
    return (x & low) << by | (x & ~low) >> (8 - by);
}

static u64 substitute(u64 x)
{
    x = inverse(x);
    return x ^ turn(x, 1) ^ turn(x, 2) ^ turn(x, 3) ^ turn(x, 4) ^ EACH(0x63);
}

static u64 restore(u64 x) { return inverse(turn(x, 1) ^ turn(x, 3) ^ turn(x, 6) ^ EACH(0x05)); }

static void expand(const u8 *key, u8 *rounds)
{
    u32 constant = 1;
    memcpy(rounds, key, 16);
    for (int i = 16; i < 176; i += 4) {
        u32 last = load32(rounds + i - 4);
        if (i % 16 == 0) {
            last = (u32)substitute(last >> 8 | last << 24) ^ constant;
            constant = (u32)times_x(constant);
        }
        store32(rounds + i, load32(rounds + i - 16) ^ last);
    }
}

// Row r of the state (byte r of each column) moves r columns; sign -1 moves it back.
static void shift_rows(u8 *state, int sign)
{
    u8 old[16];
    memcpy(old, state, 16);
    for (int i = 0; i < 16; i++) state[i] = old[(i + sign * 4 * (i % 4) + 16) % 16];
}

static inline u64 down(u64 x, int rows)
{
    u64 low = 0xffffffff >> (8 * rows);
    low |= low << 32;
    return (x >> (8 * rows) & low) | (x << (32 - 8 * rows) & ~low);
}

static u64 mix(u64 x)
{
    u64 next = down(x, 1);
    return times_x(x ^ next) ^ next ^ down(x, 2) ^ down(x, 3);
}

static u64 unmix(u64 x)
{
    u64 four = times_x(times_x(x ^ down(x, 2)));
    return mix(x ^ four);
}

static void add_key(u8 *state, const u8 *key)
{
    store64(state, load64(state) ^ load64(key));
    store64(state + 8, load64(state + 8) ^ load64(key + 8));
}

static void both(u8 *state, u64 (*change)(u64))
{
    store64(state, change(load64(state)));
    store64(state + 8, change(load64(state + 8)));
}

void encrypt(const u8 *key, const u8 *from, u8 *to)
{
    u8 rounds[176];
    expand(key, rounds);
    memcpy(to, from, 16);
    add_key(to, rounds);
    for (int round = 1; round <= 10; round++) {
        both(to, substitute);
        shift_rows(to, 1);
        if (round < 10) both(to, mix);
        add_key(to, rounds + 16 * round);
    }
}

void decrypt(const u8 *key, const u8 *from, u8 *to)
{
    u8 rounds[176];
    expand(key, rounds);
    memcpy(to, from, 16);
    for (int round = 10; round >= 1; round--) {
        add_key(to, rounds + 16 * round);
        if (round < 10) both(to, unmix);
        shift_rows(to, -1);
        both(to, restore);
    }
    add_key(to, rounds);
}
