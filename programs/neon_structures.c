// NEON structure loads and stores: LD1-LD4 and ST1-ST4, whole, single-lane and replicating.
#include "neon.h"

static uint8_t memory[512], out[512];

static void report(const char *name) {
    REPORT(name, neon_digest(START, out, sizeof out));
    memset(out, 0, sizeof out);
}

int main(void) {
    for (int i = 0; i < 512; i++) memory[i] = (uint8_t)neon_next();
    uint8x16x2_t a2 = vld2q_u8(memory + 1);
    vst2q_u8(out + 3, ((uint8x16x2_t){{a2.val[1], vmvnq_u8(a2.val[0])}}));
    uint8x16x3_t a3 = vld3q_u8(memory + 7);
    vst3q_u8(out + 100, ((uint8x16x3_t){{a3.val[2], a3.val[0], a3.val[1]}}));
    uint8x16x4_t a4 = vld4q_u8(memory + 32);
    vst4q_u8(out + 200, ((uint8x16x4_t){{a4.val[3], a4.val[2], a4.val[1], a4.val[0]}}));
    report("bytes");
    const uint16_t *half = (const uint16_t *)memory;
    uint16x8x3_t h3 = vld3q_u16(half + 5);
    vst3q_u16((uint16_t *)out + 4, ((uint16x8x3_t){{h3.val[1], h3.val[2], h3.val[0]}}));
    uint16x4x4_t h4 = vld4_u16(half + 40);
    vst4_u16((uint16_t *)out + 40, ((uint16x4x4_t){{h4.val[1], h4.val[0], h4.val[3], h4.val[2]}}));
    report("halves");
    const uint32_t *word = (const uint32_t *)memory;
    uint32x4x2_t w2 = vld2q_u32(word + 9);
    vst2q_u32((uint32_t *)out + 1, ((uint32x4x2_t){{w2.val[1], w2.val[0]}}));
    uint32x2x3_t w3 = vld3_u32(word + 30);
    vst3_u32((uint32_t *)out + 20, w3);
    const uint64_t *wide = (const uint64_t *)memory;
    uint64x2x4_t q4 = vld4q_u64(wide + 8);
    vst4q_u64((uint64_t *)out + 16, ((uint64x2x4_t){{q4.val[2], q4.val[3], q4.val[0], q4.val[1]}}));
    report("words");
    uint8x16_t v = vld1q_dup_u8(memory + 77);
    v = vld1q_lane_u8(memory + 5, v, 13);
    vst1q_u8(out, v);
    vst1q_lane_u16((uint16_t *)(out + 20), vreinterpretq_u16_u8(v), 6);
    a2 = vld2q_dup_u8(memory + 9);
    a2 = vld2q_lane_u8(memory + 50, a2, 3);
    vst2q_lane_u8(out + 30, a2, 3);
    vst2q_u8(out + 40, a2);
    w2 = vld2q_lane_u32(word + 2, w2, 2);
    uint32x4x4_t w4 = vld4q_dup_u32(word + 12);
    w4 = vld4q_lane_u32(word + 3, w4, 1);
    vst4q_u32((uint32_t *)out + 40, w4);
    vst4q_lane_u32((uint32_t *)out + 60, w4, 1);
    vst2q_u32((uint32_t *)out + 70, w2);
    h3 = vld3q_dup_u16(half + 3);
    h3 = vld3q_lane_u16(half + 90, h3, 7);
    vst3q_lane_u16((uint16_t *)out + 180, h3, 7);
    report("lanes");
    uint8x16x4_t x4 = vld1q_u8_x4(memory + 128);
    uint8x16x2_t x2 = vld1q_u8_x2(memory + 300);
    vst1q_u8_x4(out + 11, x4);
    vst1q_u8_x2(out + 400, x2);
    vst1q_u8_x3(out + 200, ((uint8x16x3_t){{x4.val[0], x2.val[1], x4.val[2]}}));
    report("multiple");
    return 0;
}
