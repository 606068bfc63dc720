// What the NEON programs share: pseudo-random vectors and digests of results.
#include <arm_neon.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// The identity is missing from arm_neon.h, and macros over types need it.
#define vreinterpretq_u8_u8(v) (v)

static uint64_t neon_state = 0x9e3779b97f4a7c15;

static uint64_t neon_next(void) {
    neon_state ^= neon_state << 13;
    neon_state ^= neon_state >> 7;
    return neon_state ^= neon_state << 17;
}

// Sixteen bytes in which extremes (all zeros, all ones, sign bits) are common.
__attribute__((unused)) static uint8x16_t neon_random(void) {
    static const uint64_t extreme[] = {0, ~0ul, 0x8080808080808080, 0x7fff7fff7fff7fff,
                                       0x8000000080000000, 0x7fffffffffffffff};
    uint64_t v[2] = {neon_next(), neon_next()};
    if (v[0] % 8 == 0) v[0] = extreme[v[1] % 6];
    if (v[1] % 8 == 1) v[1] = extreme[v[0] % 6];
    return vreinterpretq_u8_u64(vld1q_u64(v));
}

// FNV-1a over an object's bytes.
static uint64_t neon_digest(uint64_t digest, const void *object, size_t size) {
    const uint8_t *p = object;
    while (size--) digest = (digest ^ *p++) * 1099511628211u;
    return digest;
}

#define START 14695981039346656037u
#define MIX(d, expression)                                \
    do {                                                  \
        __typeof__(expression) mixed = (expression);      \
        d = neon_digest(d, &mixed, sizeof mixed);         \
    } while (0)
#define REPORT(name, d) printf("%-10s %016lx\n", name, (unsigned long)(d))
