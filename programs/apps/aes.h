// AES-128 (FIPS 197), byte by byte, and the modes ECB, CBC and CTR of SP 800-38A.
//
// Written to be read: the S-box is a table, so its time depends on the data.
#ifndef AES_H
#define AES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { AES_BLOCK = 16, AES_ROUNDS = 10 };

struct aes {
    uint8_t keys[AES_ROUNDS + 1][AES_BLOCK];
};

static uint8_t aes_box[256], aes_unbox[256];

// Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
static uint8_t doubled(uint8_t a) { return (uint8_t)(a << 1 ^ (a >> 7) * 0x1b); }

static uint8_t product(uint8_t a, uint8_t b) {
    uint8_t sum = 0;
    for (; b; b >>= 1, a = doubled(a))
        if (b & 1) sum ^= a;
    return sum;
}

// S(a) is an affine map of 1/a.  Powers of 3 run through all of the field but 0, those of its
// inverse 0xf6 backwards: p and q are always inverses of each other.
static void aes_boxes(void) {
    uint8_t p = 1, q = 1;
    do {
        p ^= doubled(p);
        q = product(q, 0xf6);
        uint8_t s = q;
        for (int i = 1; i < 5; i++) s ^= (uint8_t)(q << i | q >> (8 - i));
        aes_box[p] = s ^ 0x63;
    } while (p != 1);
    aes_box[0] = 0x63;
    for (int i = 0; i < 256; i++) aes_unbox[aes_box[i]] = (uint8_t)i;
}

static inline void aes_init(struct aes *a, const uint8_t key[16]) {
    uint8_t *w = a->keys[0], constant = 1;
    if (!aes_box[0]) aes_boxes();
    memcpy(w, key, AES_BLOCK);
    for (size_t i = AES_BLOCK; i < sizeof a->keys; i += 4) {
        uint8_t t[4] = {w[i - 4], w[i - 3], w[i - 2], w[i - 1]};
        if (i % AES_BLOCK == 0) {
            uint8_t first = t[0];
            for (int j = 0; j < 3; j++) t[j] = aes_box[t[j + 1]];
            t[3] = aes_box[first];
            t[0] ^= constant;
            constant = doubled(constant);
        }
        for (size_t j = 0; j < 4; j++) w[i + j] = w[i + j - AES_BLOCK] ^ t[j];
    }
}

static inline void add(uint8_t *block, const uint8_t *other) {
    for (int i = 0; i < AES_BLOCK; i++) block[i] ^= other[i];
}

// Byte r of column c is block[4 * c + r]: row r moves r columns to the left (or right).
static inline void substitute_and_shift(uint8_t *block, const uint8_t *box, int direction) {
    uint8_t old[AES_BLOCK];
    memcpy(old, block, sizeof old);
    for (int c = 0; c < 4; c++)
        for (int r = 0; r < 4; r++)
            block[4 * c + r] = box[old[4 * ((c + direction * r + 4) % 4) + r]];
}

static inline void aes_encrypt(const struct aes *a, uint8_t block[16]) {
    add(block, a->keys[0]);
    for (int round = 1; round <= AES_ROUNDS; round++) {
        substitute_and_shift(block, aes_box, 1);
        for (uint8_t *c = block; round < AES_ROUNDS && c < block + AES_BLOCK; c += 4) {
            uint8_t all = c[0] ^ c[1] ^ c[2] ^ c[3], first = c[0];
            for (int r = 0; r < 4; r++)
                c[r] ^= all ^ doubled(c[r] ^ (r < 3 ? c[r + 1] : first));
        }
        add(block, a->keys[round]);
    }
}

static inline void aes_decrypt(const struct aes *a, uint8_t block[16]) {
    for (int round = AES_ROUNDS; round; round--) {
        add(block, a->keys[round]);
        for (uint8_t *c = block; round < AES_ROUNDS && c < block + AES_BLOCK; c += 4) {
            static const uint8_t row[4] = {14, 11, 13, 9};
            uint8_t old[4] = {c[0], c[1], c[2], c[3]};
            for (int r = 0; r < 4; r++) {
                c[r] = 0;
                for (int i = 0; i < 4; i++) c[r] ^= product(old[(r + i) % 4], row[i]);
            }
        }
        substitute_and_shift(block, aes_unbox, -1);
    }
    add(block, a->keys[0]);
}

// The key stream of a counter that goes up by one a block, over any number of bytes.
static inline void aes_ctr(const struct aes *a, const uint8_t start[16], uint8_t *data, size_t n) {
    uint8_t counter[AES_BLOCK], stream[AES_BLOCK];
    memcpy(counter, start, sizeof counter);
    for (size_t i = 0; i < n; i++) {
        if (i % AES_BLOCK == 0) {
            memcpy(stream, counter, sizeof stream);
            aes_encrypt(a, stream);
            for (int j = AES_BLOCK; j-- && !++counter[j];) continue;
        }
        data[i] ^= stream[i % AES_BLOCK];
    }
}

// Whole blocks; `chain` is CBC's initial vector, NULL for ECB.
static inline void aes_blocks(const struct aes *a, uint8_t *chain, int decrypt, uint8_t *data,
                              size_t n) {
    for (size_t i = 0; i + AES_BLOCK <= n; i += AES_BLOCK) {
        uint8_t *block = data + i, before[AES_BLOCK];
        memcpy(before, block, sizeof before);
        if (decrypt) {
            aes_decrypt(a, block);
            if (chain) add(block, chain);
        } else {
            if (chain) add(block, chain);
            aes_encrypt(a, block);
        }
        if (chain) memcpy(chain, decrypt ? before : block, AES_BLOCK);
    }
}

#endif
