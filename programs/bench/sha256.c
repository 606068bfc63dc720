// SHA-256 of argv[1] bytes made by a counter: rotates, additions, table loads.
// args: 1000
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

int main(int argc, char **argv) {
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    uint32_t h[8];
    uint8_t message[64];
    constants();
    memcpy(h, initial, 32);
    // The message is made as it is read: the size costs no memory.
    size_t padded = (n + 9 + 63) / 64 * 64;
    for (size_t at = 0; at < padded; at += 64) {
        for (size_t i = 0; i < 64; i++) {
            size_t p = at + i;
            message[i] = p < n ? (uint8_t)(p * 167 + (p >> 8)) : p == n ? 0x80 : 0;
        }
        if (at + 64 == padded)
            for (int b = 0; b < 8; b++) message[63 - b] = (uint8_t)(n * 8 >> 8 * b);
        block(h, message);
    }
    printf("%zu bytes: ", n);
    for (int i = 0; i < 8; i++) printf("%08x", h[i]);
    printf("\n");
    return 0;
}
