// NEON comparisons, minimum and maximum, bit selection and the bitwise operations.
#include "neon.h"

#define LOOP(name, type, suffix)                                                     \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 80; i++) {                                               \
            type a = vreinterpretq_##suffix##_u8(neon_random());                     \
            type b = vreinterpretq_##suffix##_u8(neon_random());                     \
            if (i % 4 == 0) b = vextq_##suffix(a, b, 1);                             \
            MIX(d, vceqq_##suffix(a, b));                                            \
            MIX(d, vcgtq_##suffix(a, b));                                            \
            MIX(d, vcgeq_##suffix(a, b));                                            \
            MIX(d, vcltq_##suffix(a, b));                                            \
            MIX(d, vceqzq_##suffix(a));                                              \
            MIX(d, vtstq_##suffix(a, b));                                            \
            MIX(d, vbslq_##suffix(vcgtq_##suffix(a, b), b, a));                      \
            MIX(d, vbicq_##suffix(a, b));                                            \
            MIX(d, vornq_##suffix(a, b));                                            \
            MIX(d, veorq_##suffix(vandq_##suffix(a, b), vorrq_##suffix(a, b)));      \
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
    uint64_t d = START;
    for (int i = 0; i < 100; i++) {
        uint8x16_t x = neon_random(), y = neon_random(), z = neon_random();
        int32x4_t a = vreinterpretq_s32_u8(x), b = vreinterpretq_s32_u8(y);
        MIX(d, vmaxq_u8(x, y));
        MIX(d, vminq_s8(vreinterpretq_s8_u8(x), vreinterpretq_s8_u8(y)));
        MIX(d, vmaxq_s32(a, b));
        MIX(d, vminq_u32(vreinterpretq_u32_u8(x), vreinterpretq_u32_u8(y)));
        MIX(d, vcgtzq_s32(a));
        MIX(d, vcgezq_s32(a));
        MIX(d, vclezq_s32(b));
        MIX(d, vcltzq_s32(b));
        MIX(d, vbslq_u8(x, y, z));
        MIX(d, vmvnq_u8(x));
    }
    REPORT("select", d);
    return 0;
}
