// NEON table lookups: TBL and TBX with one to four registers, a byte shuffle, hex by lookup.
#include "neon.h"

int main(void) {
    uint64_t d = START;
    for (int i = 0; i < 200; i++) {
        uint8x16x4_t t = {{neon_random(), neon_random(), neon_random(), neon_random()}};
        uint8x16x3_t t3 = {{t.val[0], t.val[1], t.val[2]}};
        uint8x16x2_t t2 = {{t.val[2], t.val[3]}};
        uint8x16_t index = vandq_u8(neon_random(), vdupq_n_u8(i % 2 ? 79 : 127)), old = neon_random();
        MIX(d, vqtbl1q_u8(t.val[0], index));
        MIX(d, vqtbl2q_u8(t2, index));
        MIX(d, vqtbl3q_u8(t3, index));
        MIX(d, vqtbl4q_u8(t, index));
        MIX(d, vqtbx1q_u8(old, t.val[0], index));
        MIX(d, vqtbx2q_u8(old, t2, index));
        MIX(d, vqtbx3q_u8(old, t3, index));
        MIX(d, vqtbx4q_u8(old, t, index));
        MIX(d, vtbl1_u8(vget_low_u8(old), vget_low_u8(index)));
        MIX(d, vqtbl4_u8(t, vget_high_u8(index)));
    }
    REPORT("lookups", d);
    uint8x16_t digits = vld1q_u8((const uint8_t *)"0123456789abcdef");
    uint8_t text[33] = {0}, data[16];
    for (int i = 0; i < 16; i++) data[i] = (uint8_t)(i * 37 + 11);
    uint8x16_t v = vld1q_u8(data);
    uint8x16x2_t hex = {{vqtbl1q_u8(digits, vshrq_n_u8(v, 4)),
                         vqtbl1q_u8(digits, vandq_u8(v, vdupq_n_u8(15)))}};
    vst2q_u8(text, hex);
    printf("%s\n", text);
    static const uint8_t backwards[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    vst1q_u8(text, vqtbl1q_u8(digits, vld1q_u8(backwards)));
    printf("%.16s\n", text);
    return 0;
}
