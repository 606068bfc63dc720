// NEON widening and narrowing: long, wide and high-half adds, subtracts and multiplies.
#include "neon.h"

#define LOOP(name, narrow, wide, n, w)                                               \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 80; i++) {                                               \
            narrow a = vreinterpretq_##n##_u8(neon_random());                        \
            narrow b = vreinterpretq_##n##_u8(neon_random());                        \
            wide c = vreinterpretq_##w##_u8(neon_random());                          \
            wide e = vreinterpretq_##w##_u8(neon_random());                          \
            MIX(d, vaddl_##n(vget_low_##n(a), vget_low_##n(b)));                     \
            MIX(d, vsubl_##n(vget_low_##n(a), vget_low_##n(b)));                     \
            MIX(d, vaddw_##n(c, vget_high_##n(b)));                                  \
            MIX(d, vsubw_high_##n(c, b));                                            \
            MIX(d, vaddl_high_##n(a, b));                                            \
            MIX(d, vmull_##n(vget_low_##n(a), vget_low_##n(b)));                     \
            MIX(d, vmull_high_##n(a, b));                                            \
            MIX(d, vmlal_##n(c, vget_low_##n(a), vget_low_##n(b)));                  \
            MIX(d, vmlsl_high_##n(c, a, b));                                         \
            MIX(d, vabdl_##n(vget_low_##n(a), vget_high_##n(b)));                    \
            MIX(d, vabal_high_##n(c, a, b));                                         \
            MIX(d, vmovl_##n(vget_low_##n(a)));                                      \
            MIX(d, vmovn_##w(c));                                                    \
            MIX(d, vaddhn_##w(c, e));                                                \
            MIX(d, vraddhn_##w(c, e));                                               \
            MIX(d, vsubhn_##w(c, e));                                                \
            MIX(d, vrsubhn_high_##w(vget_low_##n(a), c, e));                         \
        }                                                                            \
        REPORT(name, d);                                                             \
    } while (0)

int main(void) {
    LOOP("u8", uint8x16_t, uint16x8_t, u8, u16);
    LOOP("s8", int8x16_t, int16x8_t, s8, s16);
    LOOP("u16", uint16x8_t, uint32x4_t, u16, u32);
    LOOP("s16", int16x8_t, int32x4_t, s16, s32);
    LOOP("u32", uint32x4_t, uint64x2_t, u32, u64);
    LOOP("s32", int32x4_t, int64x2_t, s32, s64);
    return 0;
}
