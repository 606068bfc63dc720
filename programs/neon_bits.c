// NEON per-element bit operations: CNT, CLZ, CLS, RBIT, carry-less PMUL and PMULL of bytes.
#include "neon.h"

static uint16_t carryless(uint8_t a, uint8_t b) {
    uint16_t r = 0;
    for (int i = 0; i < 8; i++)
        if (b >> i & 1) r ^= (uint16_t)(a << i);
    return r;
}

int main(void) {
    uint64_t d = START;
    unsigned wrong = 0;
    for (int i = 0; i < 200; i++) {
        uint8x16_t x = neon_random(), y = neon_random();
        MIX(d, vcntq_u8(x));
        MIX(d, vclzq_u8(x));
        MIX(d, vclzq_s16(vreinterpretq_s16_u8(x)));
        MIX(d, vclzq_u32(vreinterpretq_u32_u8(y)));
        MIX(d, vclsq_s8(vreinterpretq_s8_u8(x)));
        MIX(d, vclsq_s32(vreinterpretq_s32_u8(y)));
        MIX(d, vrbitq_u8(x));
        poly8x16_t p = vreinterpretq_p8_u8(x), q = vreinterpretq_p8_u8(y);
        MIX(d, vmulq_p8(p, q));
        uint16x8_t full = vreinterpretq_u16_p16(vmull_p8(vget_low_p8(p), vget_low_p8(q)));
        uint16x8_t high = vreinterpretq_u16_p16(vmull_high_p8(p, q));
        MIX(d, high);
        uint8_t a[16], b[16];
        uint16_t r[8];
        vst1q_u8(a, x);
        vst1q_u8(b, y);
        vst1q_u16(r, full);
        for (int k = 0; k < 8; k++) wrong += r[k] != carryless(a[k], b[k]);
    }
    REPORT("bits", d);
    printf("wrong %u\n", wrong);
    return 0;
}
