// The AES, SHA-1, SHA-256 and polynomial-multiply instructions on published vectors.
// cflags: -march=armv8-a+crypto
#include "neon.h"

static uint64_t low64(uint64_t a, uint64_t b) {
    uint64_t r = 0;
    for (int i = 0; i < 64; i++) r ^= b >> i & 1 ? a << i : 0;
    return r;
}

int main(void) {
    // FIPS-197: the key schedule's SubWord and RotWord come from AESE on a broadcast word.
    uint8_t key[16], text[16];
    for (int i = 0; i < 16; i++) key[i] = (uint8_t)i, text[i] = (uint8_t)(i * 0x11);
    uint32_t w[44], rcon = 1;
    memcpy(w, key, 16);
    for (int i = 4; i < 44; i++) {
        uint32_t t = w[i - 1];
        if (i % 4 == 0) {
            uint8x16_t s = vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(t)), vdupq_n_u8(0));
            t = vgetq_lane_u32(vreinterpretq_u32_u8(s), 0);
            t = (t >> 8 | t << 24) ^ rcon;
            rcon = rcon << 1 ^ (rcon & 0x80 ? 0x11b : 0);
        }
        w[i] = w[i - 4] ^ t;
    }
    uint8x16_t k[11], state = vld1q_u8(text);
    for (int i = 0; i < 11; i++) k[i] = vreinterpretq_u8_u32(vld1q_u32(w + 4 * i));
    for (int i = 0; i < 9; i++) state = vaesmcq_u8(vaeseq_u8(state, k[i]));
    state = veorq_u8(vaeseq_u8(state, k[9]), k[10]);
    uint8_t out[16];
    vst1q_u8(out, state);
    for (int i = 0; i < 16; i++) printf("%02x", out[i]);
    state = vaesdq_u8(state, k[10]);
    for (int i = 9; i > 0; i--) state = vaesdq_u8(vaesimcq_u8(state), vaesimcq_u8(k[i]));
    state = veorq_u8(state, k[0]);
    vst1q_u8(out, state);
    printf(" back %d\n", memcmp(out, text, 16) == 0);
    uint64_t d = START;
    unsigned wrong = 0;
    for (int i = 0; i < 100; i++) {
        uint32x4_t a = vreinterpretq_u32_u8(neon_random()), b = vreinterpretq_u32_u8(neon_random());
        uint32x4_t c = vreinterpretq_u32_u8(neon_random());
        MIX(d, vsha256hq_u32(a, b, c));
        MIX(d, vsha256h2q_u32(a, b, c));
        MIX(d, vsha256su0q_u32(a, b));
        MIX(d, vsha256su1q_u32(a, b, c));
        MIX(d, vsha1cq_u32(a, c[1], b));
        MIX(d, vsha1pq_u32(a, c[2], b));
        MIX(d, vsha1mq_u32(a, c[3], b));
        MIX(d, vsha1h_u32(c[0]));
        MIX(d, vsha1su0q_u32(a, b, c));
        MIX(d, vsha1su1q_u32(a, b));
        uint64_t x = neon_next(), y = neon_next();
        poly128_t p = vmull_p64(x, y);
        wrong += (uint64_t)p != low64(x, y);
        MIX(d, p);
    }
    REPORT("hashes", d);
    printf("wrong %u\n", wrong);
    return 0;
}
