// SHA-256 of messages around the block boundary, against the published vectors of FIPS 180-4.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t k[64], initial[8];

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

// The constants are the fractional bits of square and cube roots of primes: found by bisection.
static uint32_t root_bits(unsigned prime, int cube) {
    uint64_t low = 0, high = (uint64_t)32 << 32;
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        unsigned __int128 power = (unsigned __int128)mid * mid;
        if (cube) {
            // mid < 2^37, so the cube needs 111 bits.
            power *= mid;
        }
        if (power <= (unsigned __int128)prime << (cube ? 96 : 64)) low = mid;
        else high = mid;
    }
    return (uint32_t)low;
}

static void constants(void) {
    unsigned n = 0;
    for (unsigned p = 2; n < 64; p++) {
        unsigned composite = 0;
        for (unsigned q = 2; q * q <= p; q++) composite |= p % q == 0;
        if (composite) continue;
        if (n < 8) initial[n] = root_bits(p, 0);
        k[n++] = root_bits(p, 1);
    }
}

static void block(uint32_t *h, const uint8_t *p) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[i - 7] +
               (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
    }
    memcpy(s, h, 32);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 28);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

static void sha256(const uint8_t *message, size_t length) {
    uint32_t h[8];
    uint8_t tail[128] = {0};
    size_t i = 0, rest = length % 64, padded = rest < 56 ? 64 : 128;
    memcpy(h, initial, 32);
    for (; i + 64 <= length; i += 64) block(h, message + i);
    memcpy(tail, message + i, rest);
    tail[rest] = 0x80;
    for (int b = 0; b < 8; b++) tail[padded - 1 - b] = (uint8_t)(length * 8 >> 8 * b);
    for (i = 0; i < padded; i += 64) block(h, tail + i);
    for (i = 0; i < 8; i++) printf("%08x", h[i]);
    printf("\n");
}

int main(void) {
    static uint8_t a[1000];
    constants();
    sha256((const uint8_t *)"", 0);
    sha256((const uint8_t *)"abc", 3);
    sha256((const uint8_t *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
    memset(a, 'a', sizeof a);
    sha256(a, sizeof a);
    return 0;
}
