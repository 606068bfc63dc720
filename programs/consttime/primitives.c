// Nineteen building blocks of constant-time programs, each with a function check_NAME(a, b).
// cflags: -g -ffreestanding -fno-stack-protector -fno-tree-loop-distribute-patterns -fno-tree-vectorize
// libs: -nostdlib -Wl,-z,max-page-size=4096
// stdin:
#include "../bare/bare.h"

#define BLOCK static __attribute__((noinline)) u64
#define CHECK(name) __attribute__((noinline)) u64 check_##name(u64 a, u64 b)

// The compiler must not see that a mask is all ones or zero, or it may make a branch of it.
static inline u64 hidden(u64 x)
{
    __asm__("" : "+r"(x));
    return x;
}

// All ones where x is not 0.
static inline u64 unless_zero(u64 x) { return hidden(-((x | -x) >> 63)); }
static inline u64 below(u64 a, u64 b) { return -((a ^ ((a ^ b) | ((a - b) ^ b))) >> 63); }

BLOCK xor_(u64 a, u64 b) { return a ^ b; }
BLOCK and_(u64 a, u64 b) { return a & b; }
BLOCK or_(u64 a, u64 b) { return a | b; }
BLOCK not_(u64 a) { return ~a; }
BLOCK select(u64 mask, u64 yes, u64 no) { return no ^ (hidden(mask) & (yes ^ no)); }
BLOCK is_zero(u64 a) { return ~unless_zero(a) & 1; }
BLOCK equal(u64 a, u64 b) { return ~unless_zero(a ^ b) & 1; }
BLOCK less_than(u64 a, u64 b) { return hidden(below(a, b)) & 1; }
BLOCK greater_than(u64 a, u64 b) { return hidden(below(b, a)) & 1; }
BLOCK min(u64 a, u64 b) { return select(below(a, b), a, b); }
BLOCK max(u64 a, u64 b) { return select(below(a, b), b, a); }
BLOCK clamp(u64 x, u64 low, u64 high) { return min(max(x, low), high); }
BLOCK abs(u64 a)
{
    u64 sign = hidden(-(a >> 63));
    return (a ^ sign) - sign;
}
BLOCK rotate_left(u64 a, u64 by) { return a << (by & 63) | a >> (-by & 63); }
BLOCK rotate_right(u64 a, u64 by) { return a >> (by & 63) | a << (-by & 63); }

static __attribute__((noinline)) void swap(u64 mask, u64 *a, u64 *b)
{
    u64 change = hidden(mask) & (*a ^ *b);
    *a ^= change;
    *b ^= change;
}

BLOCK byte_lookup(const u8 *table, u64 size, u64 index)
{
    u64 found = 0;
    for (u64 i = 0; i < size; i++) found |= table[i] & ~unless_zero(i ^ index);
    return found;
}

static __attribute__((noinline)) void byte_lookup_batch(const u8 *table, u64 size, const u8 *index,
                                                        u8 *found, u64 count)
{
    for (u64 k = 0; k < count; k++) found[k] = 0;
    for (u64 i = 0; i < size; i++)
        for (u64 k = 0; k < count; k++) found[k] |= (u8)(table[i] & ~unless_zero(i ^ index[k]));
}

BLOCK memcmp_(const u8 *a, const u8 *b, u64 count)
{
    u64 unlike = 0;
    for (u64 i = 0; i < count; i++) unlike |= (u64)(a[i] ^ b[i]);
    return unless_zero(unlike) & 1;
}

#define FOUR(i) (u8)(7 * (i) + 3), (u8)(7 * (i) + 10), (u8)(7 * (i) + 17), (u8)(7 * (i) + 24)
#define SIXTEEN(i) FOUR(i), FOUR((i) + 4), FOUR((i) + 8), FOUR((i) + 12)
#define ALL(i) SIXTEEN(i), SIXTEEN((i) + 16), SIXTEEN((i) + 32), SIXTEEN((i) + 48)
static const u8 table[256] = {
    ALL(0), ALL(64), ALL(128), ALL(192)
};

CHECK(xor) { return xor_(a, b); }
CHECK(and) { return and_(a, b); }
CHECK(or) { return or_(a, b); }
CHECK(not) { return not_(a) + (b & 0); }
CHECK(select) { return select(-(b & 1), a, b); }
CHECK(equal) { return equal(a, b); }
CHECK(less_than) { return less_than(a, b); }
CHECK(greater_than) { return greater_than(a, b); }
CHECK(min) { return min(a, b); }
CHECK(max) { return max(a, b); }
CHECK(abs) { return abs(a) + (b & 0); }
CHECK(clamp) { return clamp(a, 16, b | 16); }
CHECK(rotate_left) { return rotate_left(a, b); }
CHECK(rotate_right) { return rotate_right(a, b); }
CHECK(is_zero) { return is_zero(a) + (b & 0); }
CHECK(byte_lookup) { return byte_lookup(table, 256, a & 255) + (b & 0); }
CHECK(memcmp) { return memcmp_((const u8 *)&a, (const u8 *)&b, 8); }

CHECK(swap)
{
    swap(-(b & 1), &a, &b);
    return a * 3 + b;
}

CHECK(byte_lookup_batch)
{
    u8 index[2] = {(u8)a, (u8)b}, found[2];
    byte_lookup_batch(table, 256, index, found, 2);
    return found[0] | (u64)found[1] << 8;
}

// What is not constant time, for comparison.
CHECK(branching_max)
{
    if (hidden(a) > hidden(b)) __asm__ volatile("nop");
    return a > b ? a : b;
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc == 0;
}
