// The ChaCha20 block function on the vector of RFC 8439, then a keystream checksum.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotl(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void quarter(uint32_t *s, int a, int b, int c, int d) {
    s[a] += s[b], s[d] = rotl(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotl(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = rotl(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = rotl(s[b] ^ s[c], 7);
}

static void block(const uint32_t *in, uint32_t *out) {
    memcpy(out, in, 64);
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 4; k++) quarter(out, k, 4 + k, 8 + k, 12 + k);
        for (int k = 0; k < 4; k++)
            quarter(out, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
    }
    for (int i = 0; i < 16; i++) out[i] += in[i];
}

int main(void) {
    uint32_t state[16], out[16];
    uint8_t key[32];
    for (int i = 0; i < 32; i++) key[i] = (uint8_t)i;
    memcpy(state, "expand 32-byte k", 16);
    memcpy(state + 4, key, 32);
    state[12] = 1;
    state[13] = 0x09000000;
    state[14] = 0x4a000000;
    state[15] = 0;
    block(state, out);
    for (int i = 0; i < 16; i++) printf("%08x%c", out[i], i % 4 == 3 ? '\n' : ' ');
    uint32_t sum = 0;
    for (int i = 0; i < 200; i++) {
        state[12]++;
        block(state, out);
        for (int j = 0; j < 16; j++) sum = sum * 31 + out[j];
    }
    printf("keystream %08x\n", sum);
    return 0;
}
