// NEON permutations: ZIP, UZP, TRN, EXT, REV, DUP, and an 8x8 byte transpose made of them.
#include "neon.h"

#define LOOP(name, type, suffix)                                                     \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 60; i++) {                                               \
            type a = vreinterpretq_##suffix##_u8(neon_random());                     \
            type b = vreinterpretq_##suffix##_u8(neon_random());                     \
            MIX(d, vzip1q_##suffix(a, b));                                           \
            MIX(d, vzip2q_##suffix(a, b));                                           \
            MIX(d, vuzp1q_##suffix(a, b));                                           \
            MIX(d, vuzp2q_##suffix(a, b));                                           \
            MIX(d, vtrn1q_##suffix(a, b));                                           \
            MIX(d, vtrn2q_##suffix(a, b));                                           \
            MIX(d, vextq_##suffix(a, b, 1));                                         \
            MIX(d, vdupq_laneq_##suffix(a, 1));                                      \
            MIX(d, vcombine_##suffix(vget_high_##suffix(a), vget_low_##suffix(b)));  \
            MIX(d, vcopyq_laneq_##suffix(a, 0, b, 1));                               \
        }                                                                            \
        REPORT(name, d);                                                             \
    } while (0)

int main(void) {
    LOOP("u8", uint8x16_t, u8);
    LOOP("s16", int16x8_t, s16);
    LOOP("u32", uint32x4_t, u32);
    LOOP("s64", int64x2_t, s64);
    uint64_t d = START;
    for (int i = 0; i < 60; i++) {
        uint8x16_t x = neon_random();
        MIX(d, vrev16q_u8(x));
        MIX(d, vrev32q_u8(x));
        MIX(d, vrev64q_u8(x));
        MIX(d, vrev32q_u16(vreinterpretq_u16_u8(x)));
        MIX(d, vrev64q_u32(vreinterpretq_u32_u8(x)));
        MIX(d, vextq_u8(x, neon_random(), 11));
    }
    REPORT("reverse", d);
    uint8_t m[8][8];
    for (int i = 0; i < 64; i++) m[i / 8][i % 8] = (uint8_t)i;
    uint8x8x2_t r[4], s[4];
    for (int i = 0; i < 4; i++) r[i] = vzip_u8(vld1_u8(m[i]), vld1_u8(m[i + 4]));
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) s[2 * i + k] = vzip_u8(r[i].val[k], r[i + 2].val[k]);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            uint8x8x2_t t = vzip_u8(s[i].val[k], s[2 + i].val[k]);
            vst1_u8(m[4 * i + 2 * k], t.val[0]);
            vst1_u8(m[4 * i + 2 * k + 1], t.val[1]);
        }
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++) printf("%2d%c", m[i][k], k < 7 ? ' ' : '\n');
    return 0;
}
