// SHA-1 of the published vectors: rotates, big-endian loads, a 5-register round.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotl(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void block(uint32_t *h, const uint8_t *p) {
    uint32_t w[80];
    for (int i = 0; i < 16; i++) {
        uint32_t v;
        memcpy(&v, p + 4 * i, 4);
        w[i] = __builtin_bswap32(v);
    }
    for (int i = 16; i < 80; i++) w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else f = b ^ c ^ d, k = 0xca62c1d6;
        uint32_t t = rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void sha1(const char *text) {
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    size_t length = strlen(text), i = 0;
    uint8_t tail[128] = {0};
    for (; i + 64 <= length; i += 64) block(h, (const uint8_t *)text + i);
    size_t rest = length - i, padded = rest < 56 ? 64 : 128;
    memcpy(tail, text + i, rest);
    tail[rest] = 0x80;
    uint64_t bits = __builtin_bswap64(length * 8);
    memcpy(tail + padded - 8, &bits, 8);
    for (i = 0; i < padded; i += 64) block(h, tail + i);
    printf("%08x%08x%08x%08x%08x\n", h[0], h[1], h[2], h[3], h[4]);
}

int main(void) {
    sha1("");
    sha1("abc");
    sha1("The quick brown fox jumps over the lazy dog");
    sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    return 0;
}
