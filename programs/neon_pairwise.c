// NEON pairwise and across-vector reductions: ADDP, ADALP, ADDV, ADDLV, MAXV, MINP.
#include "neon.h"

#define LOOP(name, type, suffix)                                                     \
    do {                                                                             \
        uint64_t d = START;                                                          \
        for (int i = 0; i < 80; i++) {                                               \
            type a = vreinterpretq_##suffix##_u8(neon_random());                     \
            type b = vreinterpretq_##suffix##_u8(neon_random());                     \
            MIX(d, vpaddq_##suffix(a, b));                                           \
            MIX(d, vpmaxq_##suffix(a, b));                                           \
            MIX(d, vpminq_##suffix(a, b));                                           \
            MIX(d, vpaddlq_##suffix(a));                                             \
            MIX(d, vaddvq_##suffix(a));                                              \
            MIX(d, vaddlvq_##suffix(b));                                             \
            MIX(d, vmaxvq_##suffix(a));                                              \
            MIX(d, vminvq_##suffix(b));                                              \
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
    uint16x8_t total16 = vdupq_n_u16(0);
    int64x2_t total64 = vdupq_n_s64(0);
    for (int i = 0; i < 100; i++) {
        uint8x16_t x = neon_random();
        total16 = vpadalq_u8(total16, x);
        total64 = vpadalq_s32(total64, vreinterpretq_s32_u8(x));
        MIX(d, vpaddq_s64(vreinterpretq_s64_u8(x), total64));
        MIX(d, vpaddd_s64(total64));
        MIX(d, vpadd_u8(vget_low_u8(x), vget_high_u8(x)));
    }
    MIX(d, total16);
    REPORT("accumulate", d);
    return 0;
}
