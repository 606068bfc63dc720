// NEON reciprocal and square-root estimates, their Newton steps, and the integer estimates.
// cflags: -ffp-contract=off
#include "neon.h"

int main(void) {
    uint64_t d = START;
    double worst = 0, worst_root = 0;
    for (int i = 1; i < 300; i++) {
        float32x4_t x = {(float)i, (float)i * 0.37f, 1.0f / (float)i, (float)(i * i) * 1.01f};
        float32x4_t r = vrecpeq_f32(x), s = vrsqrteq_f32(x);
        MIX(d, r);
        MIX(d, s);
        for (int k = 0; k < 2; k++) {
            r = vmulq_f32(r, vrecpsq_f32(x, r));
            s = vmulq_f32(s, vrsqrtsq_f32(vmulq_f32(x, s), s));
        }
        MIX(d, r);
        MIX(d, s);
        for (int k = 0; k < 4; k++) {
            double e = (double)r[k] * (double)x[k] - 1, f = (double)s[k] * (double)s[k] * (double)x[k] - 1;
            if (e < 0) e = -e;
            if (f < 0) f = -f;
            if (e > worst) worst = e;
            if (f > worst_root) worst_root = f;
        }
        float64x2_t p = {i + 0.25, 1e-3 * i};
        MIX(d, vrecpeq_f64(p));
        MIX(d, vrsqrteq_f64(p));
        MIX(d, vrecpsq_f64(p, vrecpeq_f64(p)));
        MIX(d, vrecpxs_f32((float)i));
        uint32x4_t u = vreinterpretq_u32_u8(neon_random());
        MIX(d, vrecpeq_u32(u));
        MIX(d, vrsqrteq_u32(u));
    }
    REPORT("estimates", d);
    printf("worst %d %d\n", worst < 1e-6, worst_root < 1e-6);
    printf("first guesses %.8g %.8g\n", (double)vrecpes_f32(3.0f), (double)vrsqrtes_f32(2.0f));
    return 0;
}
