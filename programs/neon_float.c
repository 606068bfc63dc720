// NEON floating point: arithmetic, fused multiply-add, comparisons, min and max with NaNs.
// cflags: -ffp-contract=off
#include "neon.h"

static float32x4_t floats(void) {
    // Integers scaled down: moderate values, no NaNs from random bits.
    return vmulq_n_f32(vcvtq_f32_s32(vreinterpretq_s32_u8(neon_random())), 0x1p-20f);
}

static float64x2_t doubles(void) {
    return vmulq_n_f64(vcvtq_f64_s64(vreinterpretq_s64_u8(neon_random())), 0x1p-50);
}

int main(void) {
    uint64_t s = START, d = START, c = START;
    for (int i = 0; i < 200; i++) {
        float32x4_t a = floats(), b = floats(), e = floats();
        MIX(s, vaddq_f32(a, b));
        MIX(s, vsubq_f32(a, b));
        MIX(s, vmulq_f32(a, b));
        MIX(s, vdivq_f32(a, vaddq_f32(vabsq_f32(b), vdupq_n_f32(1))));
        MIX(s, vfmaq_f32(e, a, b));
        MIX(s, vfmsq_f32(e, a, b));
        MIX(s, vfmaq_laneq_f32(e, a, b, 2));
        MIX(s, vsqrtq_f32(vabsq_f32(a)));
        MIX(s, vabdq_f32(a, b));
        MIX(s, vnegq_f32(a));
        MIX(s, vpaddq_f32(a, b));
        MIX(s, vmaxvq_f32(a));
        MIX(s, vrndaq_f32(a));
        MIX(s, vrndpq_f32(b));
        float64x2_t p = doubles(), q = doubles(), r = doubles();
        MIX(d, vaddq_f64(p, q));
        MIX(d, vmulq_f64(p, q));
        MIX(d, vdivq_f64(p, vaddq_f64(vabsq_f64(q), vdupq_n_f64(0.5))));
        MIX(d, vfmaq_f64(r, p, q));
        MIX(d, vfmsq_laneq_f64(r, p, q, 1));
        MIX(d, vsqrtq_f64(vabsq_f64(p)));
        MIX(d, vmaxq_f64(p, q));
        MIX(d, vrndnq_f64(p));
        MIX(d, vrndmq_f64(q));
        MIX(d, vrndq_f64(r));
        MIX(c, vcgtq_f32(a, b));
        MIX(c, vcleq_f32(a, b));
        MIX(c, vcageq_f32(a, b));
        MIX(c, vcltzq_f64(p));
        MIX(c, vceqq_f64(p, vrndq_f64(p)));
    }
    REPORT("single", s);
    REPORT("double", d);
    REPORT("compare", c);
    volatile float nan = __builtin_nanf(""), zero = 0;
    float32x4_t x = {nan, 1, -zero, __builtin_inff()}, y = {2, nan, zero, -3};
    uint32x4_t tell = vceqq_f32(vmaxnmq_f32(x, y), vmaxq_f32(x, y));
    float32x4_t m = vmaxnmq_f32(x, y), n = vminnmq_f32(x, y);
    printf("%x %x %x %x\n", tell[0], tell[1], tell[2], tell[3]);
    printf("%g %g %g %g | %g %g %g %g\n", (double)m[0], (double)m[1], (double)m[2], (double)m[3],
           (double)n[0], (double)n[1], (double)n[2], (double)n[3]);
    return 0;
}
