// MD5 with its sine table computed by libm, on the vectors of RFC 1321.
// libs: -lm
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t table[64];

static void block(uint32_t *h, const uint8_t *p) {
    static const int shift[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t m[16], a = h[0], b = h[1], c = h[2], d = h[3];
    memcpy(m, p, 64);
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        switch (i / 16) {
        case 0: f = (b & c) | (~b & d); g = i; break;
        case 1: f = (d & b) | (~d & c); g = (5 * i + 1) % 16; break;
        case 2: f = b ^ c ^ d; g = (3 * i + 5) % 16; break;
        default: f = c ^ (b | ~d); g = 7 * i % 16;
        }
        f += a + table[i] + m[g];
        a = d;
        d = c;
        c = b;
        int n = shift[i / 16][i % 4];
        b += f << n | f >> (32 - n);
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

static void md5(const char *text) {
    uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    size_t length = strlen(text), i = 0;
    uint8_t tail[128] = {0};
    for (; i + 64 <= length; i += 64) block(h, (const uint8_t *)text + i);
    size_t rest = length - i, padded = rest < 56 ? 64 : 128;
    memcpy(tail, text + i, rest);
    tail[rest] = 0x80;
    uint64_t bits = length * 8;
    memcpy(tail + padded - 8, &bits, 8);
    for (i = 0; i < padded; i += 64) block(h, tail + i);
    for (i = 0; i < 16; i++) printf("%02x", ((uint8_t *)h)[i]);
    printf("  '%s'\n", text);
}

int main(void) {
    for (int i = 0; i < 64; i++) table[i] = (uint32_t)(fabs(sin(i + 1)) * 4294967296.0);
    md5("");
    md5("a");
    md5("abc");
    md5("message digest");
    md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890");
    return 0;
}
