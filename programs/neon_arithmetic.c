// NEON add, subtract, multiply, multiply-accumulate, absolute difference, negate; all widths.
#include "neon.h"

#define LOOP(name, type, suffix)                                                     \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 100; i++) {                                              \
            type a = vreinterpretq_##suffix##_u8(neon_random());                     \
            type b = vreinterpretq_##suffix##_u8(neon_random());                     \
            type c = vreinterpretq_##suffix##_u8(neon_random());                     \
            MIX(d, vaddq_##suffix(a, b));                                            \
            MIX(d, vsubq_##suffix(a, b));                                            \
            MIX(d, vmulq_##suffix(a, b));                                            \
            MIX(d, vmlaq_##suffix(c, a, b));                                         \
            MIX(d, vmlsq_##suffix(c, a, b));                                         \
            MIX(d, vabdq_##suffix(a, b));                                            \
            MIX(d, vabaq_##suffix(c, a, b));                                         \
            MIX(d, vhaddq_##suffix(a, b));                                           \
            MIX(d, vrhaddq_##suffix(a, b));                                          \
            MIX(d, vhsubq_##suffix(a, b));                                           \
            MIX(d, vadd_##suffix(vget_low_##suffix(a), vget_high_##suffix(b)));      \
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
    uint64_t d = START;
    for (int i = 0; i < 100; i++) {
        int64x2_t a = vreinterpretq_s64_u8(neon_random()), b = vreinterpretq_s64_u8(neon_random());
        MIX(d, vaddq_s64(a, b));
        MIX(d, vsubq_s64(a, b));
        MIX(d, vnegq_s64(a));
        MIX(d, vabsq_s64(b));
        MIX(d, vabsq_s8(vreinterpretq_s8_s64(a)));
        MIX(d, vnegq_s16(vreinterpretq_s16_s64(a)));
        MIX(d, vmulq_laneq_s32(vreinterpretq_s32_s64(a), vreinterpretq_s32_s64(b), 3));
        MIX(d, vmlaq_n_s16(vreinterpretq_s16_s64(a), vreinterpretq_s16_s64(b), 321));
    }
    REPORT("s64, lanes", d);
    return 0;
}
