// Scalar forms of the SIMD instructions: saturation, shifts, comparisons and conversions of lanes.
#include "neon.h"

int main(void) {
    uint64_t d = START;
    for (int i = 0; i < 300; i++) {
        uint64_t v[2];
        vst1q_u64(v, vreinterpretq_u64_u8(neon_random()));
        int64_t a = (int64_t)v[0], b = (int64_t)v[1];
        MIX(d, vqaddd_s64(a, b));
        MIX(d, vqsubd_u64(v[0], v[1]));
        MIX(d, vqadds_s32((int32_t)a, (int32_t)b));
        MIX(d, vqaddb_u8((uint8_t)a, (uint8_t)b));
        MIX(d, vqsubh_s16((int16_t)a, (int16_t)b));
        MIX(d, vqshld_s64(a, b % 70));
        MIX(d, vqrshls_u32((uint32_t)a, (int32_t)(b % 40)));
        MIX(d, vshld_u64(v[0], b % 70));
        MIX(d, vrshld_s64(a, b % 70));
        MIX(d, vsrad_n_s64(a, b, 9));
        MIX(d, vslid_n_u64(v[0], v[1], 21));
        MIX(d, vqmovnd_s64(a));
        MIX(d, vqmovund_s64(b));
        MIX(d, vqmovns_u32((uint32_t)a));
        MIX(d, vqdmulhs_s32((int32_t)a, (int32_t)b));
        MIX(d, vqrdmulhh_s16((int16_t)a, (int16_t)b));
        MIX(d, vqdmlalh_s16((int32_t)b, (int16_t)a, (int16_t)b));
        MIX(d, vqnegd_s64(a));
        MIX(d, vqabss_s32((int32_t)b));
        MIX(d, vcgtd_s64(a, b));
        MIX(d, vtstd_u64(v[0], v[1]));
        MIX(d, vceqzd_s64(a));
        MIX(d, vcvtd_n_f64_s64(a, 5));
        MIX(d, vcvts_f32_u32((uint32_t)b));
        MIX(d, vabdd_f64((double)a, (double)b));
        MIX(d, vmulxs_f32((float)a, (float)b));
    }
    REPORT("scalar", d);
    printf("%g\n", vmulxd_f64(__builtin_inf(), 0.0));
    return 0;
}
