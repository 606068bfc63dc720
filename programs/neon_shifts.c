// NEON shifts: by immediate and by register, rounding, saturating, inserting, narrowing, long.
#include "neon.h"

#define LOOP(name, type, stype, suffix, ssuffix)                                     \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 100; i++) {                                              \
            type a = vreinterpretq_##suffix##_u8(neon_random());                     \
            type b = vreinterpretq_##suffix##_u8(neon_random());                     \
            stype by = vreinterpretq_##ssuffix##_u8(vandq_u8(neon_random(), vdupq_n_u8(15))); \
            stype any = vreinterpretq_##ssuffix##_u8(neon_random());                 \
            MIX(d, vshlq_##suffix(a, by));                                           \
            MIX(d, vshlq_##suffix(a, any));                                          \
            MIX(d, vrshlq_##suffix(a, any));                                         \
            MIX(d, vqshlq_##suffix(a, by));                                          \
            MIX(d, vqrshlq_##suffix(a, any));                                        \
            MIX(d, vshlq_n_##suffix(a, 3));                                          \
            MIX(d, vshrq_n_##suffix(a, 5));                                          \
            MIX(d, vrshrq_n_##suffix(a, 1));                                         \
            MIX(d, vsraq_n_##suffix(b, a, 2));                                       \
            MIX(d, vrsraq_n_##suffix(b, a, 7));                                      \
            MIX(d, vqshlq_n_##suffix(a, 4));                                         \
            MIX(d, vsliq_n_##suffix(b, a, 6));                                       \
            MIX(d, vsriq_n_##suffix(b, a, 3));                                       \
        }                                                                            \
        REPORT(name, d);                                                             \
    } while (0)

int main(void) {
    LOOP("u8", uint8x16_t, int8x16_t, u8, s8);
    LOOP("s8", int8x16_t, int8x16_t, s8, s8);
    LOOP("u16", uint16x8_t, int16x8_t, u16, s16);
    LOOP("s16", int16x8_t, int16x8_t, s16, s16);
    LOOP("u32", uint32x4_t, int32x4_t, u32, s32);
    LOOP("s32", int32x4_t, int32x4_t, s32, s32);
    LOOP("u64", uint64x2_t, int64x2_t, u64, s64);
    LOOP("s64", int64x2_t, int64x2_t, s64, s64);
    uint64_t d = START;
    for (int i = 0; i < 100; i++) {
        uint8x16_t x = neon_random();
        int16x8_t a = vreinterpretq_s16_u8(x);
        int32x4_t c = vreinterpretq_s32_u8(x);
        int64x2_t e = vreinterpretq_s64_u8(x);
        MIX(d, vshrn_n_s16(a, 3));
        MIX(d, vrshrn_n_s32(c, 9));
        MIX(d, vqshrn_n_s64(e, 17));
        MIX(d, vqrshrn_n_u32(vreinterpretq_u32_u8(x), 5));
        MIX(d, vqshrun_n_s16(a, 2));
        MIX(d, vqrshrun_n_s32(c, 11));
        MIX(d, vqshluq_n_s32(c, 6));
        MIX(d, vshll_n_u8(vget_low_u8(x), 4));
        MIX(d, vshll_n_s32(vget_high_s32(c), 13));
        MIX(d, vmovl_high_s16(a));
    }
    REPORT("narrow", d);
    return 0;
}
