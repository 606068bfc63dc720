// SHA-256 (FIPS 180-4), HMAC (RFC 2104) and PBKDF2 (RFC 8018) over it.
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

struct sha256 {
    uint32_t state[8];
    uint8_t block[SHA256_BLOCK];
    uint64_t length;  // bytes taken so far
};

static uint32_t sha256_k[64], sha256_start[8];

// The constants are the first fractional bits of the square and cube roots of the primes.
static uint32_t root_bits(unsigned prime, int cube) {
    uint64_t low = 0, high = (uint64_t)32 << 32;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        unsigned __int128 power = (unsigned __int128)middle * middle;
        if (cube) power *= middle;  // middle < 2^37, so 111 bits are enough
        if (power <= (unsigned __int128)prime << (cube ? 96 : 64)) low = middle;
        else high = middle;
    }
    return (uint32_t)low;
}

static void sha256_constants(void) {
    unsigned n = 0;
    for (unsigned p = 2; n < 64; p++) {
        unsigned composite = 0;
        for (unsigned q = 2; q * q <= p; q++) composite |= p % q == 0;
        if (composite) continue;
        if (n < 8) sha256_start[n] = root_bits(p, 0);
        sha256_k[n++] = root_bits(p, 1);
    }
}

static inline uint32_t rotate_right(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_compress(uint32_t *state, const uint8_t *p) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_k[i] + w[i];
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256_init(struct sha256 *s) {
    if (!sha256_k[0]) sha256_constants();
    memcpy(s->state, sha256_start, sizeof s->state);
    s->length = 0;
}

static void sha256_add(struct sha256 *s, const void *data, size_t size) {
    const uint8_t *p = data;
    while (size) {
        size_t used = s->length % SHA256_BLOCK, take = SHA256_BLOCK - used;
        if (take > size) take = size;
        memcpy(s->block + used, p, take);
        s->length += take, p += take, size -= take;
        if (used + take == SHA256_BLOCK) sha256_compress(s->state, s->block);
    }
}

static void sha256_end(struct sha256 *s, uint8_t digest[SHA256_SIZE]) {
    static const uint8_t padding[SHA256_BLOCK] = {0x80};
    uint8_t bits[8];
    for (int i = 0; i < 8; i++) bits[i] = (uint8_t)(s->length * 8 >> (56 - 8 * i));
    sha256_add(s, padding, 1 + (119 - s->length % SHA256_BLOCK) % SHA256_BLOCK);
    sha256_add(s, bits, 8);
    for (int i = 0; i < SHA256_SIZE; i++)
        digest[i] = (uint8_t)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

// A keyed hash is two hashes that have taken the padded key already.
struct hmac {
    struct sha256 inner, outer;
};

static inline void hmac_init(struct hmac *h, const uint8_t *key, size_t size) {
    uint8_t block[SHA256_BLOCK] = {0};
    sha256_init(&h->inner);
    if (size > SHA256_BLOCK) {
        sha256_add(&h->inner, key, size);
        sha256_end(&h->inner, block);
        sha256_init(&h->inner);
    } else if (size) memcpy(block, key, size);
    sha256_init(&h->outer);
    for (int i = 0; i < SHA256_BLOCK; i++) block[i] ^= 0x36;
    sha256_add(&h->inner, block, SHA256_BLOCK);
    for (int i = 0; i < SHA256_BLOCK; i++) block[i] ^= 0x36 ^ 0x5c;
    sha256_add(&h->outer, block, SHA256_BLOCK);
}

static inline void hmac_end(struct hmac *h, uint8_t tag[SHA256_SIZE]) {
    uint8_t inner[SHA256_SIZE];
    sha256_end(&h->inner, inner);
    sha256_add(&h->outer, inner, SHA256_SIZE);
    sha256_end(&h->outer, tag);
}

static inline void pbkdf2(const char *password, const uint8_t *salt, size_t salt_size,
                          uint32_t rounds, uint8_t *key, size_t size) {
    struct hmac keyed, h;
    hmac_init(&keyed, (const uint8_t *)password, strlen(password));
    for (uint32_t block = 1; size; block++) {
        uint8_t u[SHA256_SIZE], sum[SHA256_SIZE];
        uint8_t number[4] = {(uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8),
                             (uint8_t)block};
        h = keyed;
        sha256_add(&h.inner, salt, salt_size);
        sha256_add(&h.inner, number, 4);
        hmac_end(&h, u);
        memcpy(sum, u, sizeof sum);
        for (uint32_t round = 1; round < rounds; round++) {
            h = keyed;
            sha256_add(&h.inner, u, sizeof u);
            hmac_end(&h, u);
            for (int i = 0; i < SHA256_SIZE; i++) sum[i] ^= u[i];
        }
        size_t take = size < SHA256_SIZE ? size : SHA256_SIZE;
        memcpy(key, sum, take);
        key += take, size -= take;
    }
}

#endif
