// NEON conversions: float to integer in every rounding, fixed point, widening and narrowing.
#include "neon.h"

int main(void) {
    uint64_t d = START;
    for (int i = 0; i < 200; i++) {
        int32x4_t a = vreinterpretq_s32_u8(neon_random());
        int64x2_t b = vreinterpretq_s64_u8(neon_random());
        float32x4_t f = vmulq_n_f32(vcvtq_f32_s32(a), i % 2 ? 0x1p-24f : 3.0f);
        float64x2_t g = vmulq_n_f64(vcvtq_f64_s64(b), i % 2 ? 0x1p-56 : 5.0);
        MIX(d, f);
        MIX(d, g);
        MIX(d, vcvtq_f32_u32(vreinterpretq_u32_s32(a)));
        MIX(d, vcvtq_f64_u64(vreinterpretq_u64_s64(b)));
        MIX(d, vcvtq_s32_f32(f));
        MIX(d, vcvtq_u32_f32(f));
        MIX(d, vcvtnq_s32_f32(f));
        MIX(d, vcvtaq_u32_f32(f));
        MIX(d, vcvtpq_s32_f32(f));
        MIX(d, vcvtmq_s32_f32(f));
        MIX(d, vcvtq_s64_f64(g));
        MIX(d, vcvtnq_u64_f64(g));
        MIX(d, vcvtaq_s64_f64(g));
        MIX(d, vcvtmq_s64_f64(g));
        MIX(d, vcvtq_n_f32_s32(a, 12));
        MIX(d, vcvtq_n_s32_f32(f, 7));
        MIX(d, vcvtq_n_u64_f64(g, 20));
        MIX(d, vcvtq_n_f64_u64(vreinterpretq_u64_s64(b), 33));
        MIX(d, vcvt_f64_f32(vget_low_f32(f)));
        MIX(d, vcvt_high_f64_f32(f));
        MIX(d, vcvt_f32_f64(g));
        MIX(d, vcvtx_f32_f64(g));
        MIX(d, vcvt_f16_f32(f));
        MIX(d, vcvt_f32_f16(vcvt_f16_f32(f)));
    }
    REPORT("convert", d);
    volatile float special[] = {__builtin_nanf(""), __builtin_inff(), -__builtin_inff(), 3e9f};
    float32x4_t x = {special[0], special[1], special[2], special[3]};
    int32x4_t s = vcvtq_s32_f32(x);
    uint32x4_t u = vcvtq_u32_f32(x);
    for (int k = 0; k < 4; k++) printf("%d %u\n", s[k], u[k]);
    return 0;
}
