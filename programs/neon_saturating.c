// NEON saturating arithmetic: add, subtract, negate, doubling multiplies, narrowing.
#include "neon.h"

#define LOOP(name, type, suffix)                                                     \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 100; i++) {                                              \
            type a = vreinterpretq_##suffix##_u8(neon_random());                     \
            type b = vreinterpretq_##suffix##_u8(neon_random());                     \
            MIX(d, vqaddq_##suffix(a, b));                                           \
            MIX(d, vqsubq_##suffix(a, b));                                           \
        }                                                                            \
        REPORT(name, d);                                                             \
    } while (0)

int main(void) {
    LOOP("u8", uint8x16_t, u8);
    LOOP("s8", int8x16_t, s8);
    LOOP("u16", uint16x8_t, u16);
    LOOP("s16", int16x8_t, s16);
    LOOP("u32", uint32x4_t, u32);
    LOOP("s32", int32x4_t, s32);
    LOOP("u64", uint64x2_t, u64);
    LOOP("s64", int64x2_t, s64);
    uint64_t d = START, n = START;
    for (int i = 0; i < 200; i++) {
        uint8x16_t x = neon_random(), y = neon_random(), z = neon_random();
        int16x8_t a = vreinterpretq_s16_u8(x), b = vreinterpretq_s16_u8(y);
        int32x4_t c = vreinterpretq_s32_u8(x), e = vreinterpretq_s32_u8(y);
        MIX(d, vqdmulhq_s16(a, b));
        MIX(d, vqrdmulhq_s16(a, b));
        MIX(d, vqdmulhq_s32(c, e));
        MIX(d, vqrdmulhq_s32(c, e));
        MIX(d, vqrdmulhq_lane_s16(a, vget_low_s16(b), 2));
        MIX(d, vqdmull_s16(vget_low_s16(a), vget_high_s16(b)));
        MIX(d, vqdmlal_s16(vreinterpretq_s32_u8(z), vget_low_s16(a), vget_low_s16(b)));
        MIX(d, vqdmlsl_s32(vreinterpretq_s64_u8(z), vget_low_s32(c), vget_low_s32(e)));
        MIX(d, vqabsq_s8(vreinterpretq_s8_u8(x)));
        MIX(d, vqnegq_s32(c));
        MIX(d, vuqaddq_s16(a, vreinterpretq_u16_u8(y)));
        MIX(d, vsqaddq_u8(x, vreinterpretq_s8_u8(y)));
        MIX(n, vqmovn_s16(a));
        MIX(n, vqmovun_s16(a));
        MIX(n, vqmovn_u32(vreinterpretq_u32_u8(x)));
        MIX(n, vqmovn_s64(vreinterpretq_s64_u8(y)));
        MIX(n, vqmovn_high_s32(vget_low_s16(a), e));
    }
    REPORT("multiply", d);
    REPORT("narrow", n);
    return 0;
}
