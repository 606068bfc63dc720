// AES-128 with a computed S-box: the FIPS-197 vector, decryption, and CBC over a message.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t sbox[256], inverse[256], round_key[176];

static uint8_t times(uint8_t a, uint8_t b) {
    uint8_t product = 0;
    for (; b; b >>= 1) {
        if (b & 1) product ^= a;
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return product;
}

static void tables(void) {
    for (int i = 0; i < 256; i++) {
        uint8_t x = 0, y;
        if (i)
            for (int j = 1; j < 256; j++)
                if (times((uint8_t)i, (uint8_t)j) == 1) x = (uint8_t)j;
        y = x;
        for (int r = 0; r < 4; r++) {
            x = (uint8_t)(x << 1 | x >> 7);
            y ^= x;
        }
        sbox[i] = y ^ 0x63;
        inverse[sbox[i]] = (uint8_t)i;
    }
}

static void expand(const uint8_t *key) {
    uint8_t rcon = 1;
    memcpy(round_key, key, 16);
    for (int i = 16; i < 176; i += 4) {
        uint8_t t[4];
        memcpy(t, round_key + i - 4, 4);
        if (i % 16 == 0) {
            uint8_t first = t[0];
            t[0] = sbox[t[1]] ^ rcon;
            t[1] = sbox[t[2]];
            t[2] = sbox[t[3]];
            t[3] = sbox[first];
            rcon = times(rcon, 2);
        }
        for (int k = 0; k < 4; k++) round_key[i + k] = round_key[i - 16 + k] ^ t[k];
    }
}

static void add(uint8_t *s, int round) {
    for (int i = 0; i < 16; i++) s[i] ^= round_key[16 * round + i];
}

static void mix(uint8_t *s, int a, int b, int c, int d) {
    for (int i = 0; i < 16; i += 4) {
        uint8_t t[4];
        memcpy(t, s + i, 4);
        for (int k = 0; k < 4; k++)
            s[i + k] = times(t[k], a) ^ times(t[(k + 1) % 4], b) ^ times(t[(k + 2) % 4], c) ^
                       times(t[(k + 3) % 4], d);
    }
}

static void encrypt(uint8_t *s) {
    add(s, 0);
    for (int round = 1; round <= 10; round++) {
        uint8_t t[16];
        for (int i = 0; i < 16; i++) t[i] = sbox[s[(i + 4 * (i % 4)) % 16]];
        memcpy(s, t, 16);
        if (round < 10) mix(s, 2, 3, 1, 1);
        add(s, round);
    }
}

static void decrypt(uint8_t *s) {
    for (int round = 10; round >= 1; round--) {
        uint8_t t[16];
        add(s, round);
        if (round < 10) mix(s, 14, 11, 13, 9);
        for (int i = 0; i < 16; i++) t[(i + 4 * (i % 4)) % 16] = inverse[s[i]];
        memcpy(s, t, 16);
    }
    add(s, 0);
}

static void show(const char *name, const uint8_t *s) {
    printf("%s ", name);
    for (int i = 0; i < 16; i++) printf("%02x", s[i]);
    printf("\n");
}

int main(void) {
    uint8_t key[16], text[16], chain[16] = {0}, message[64];
    tables();
    for (int i = 0; i < 16; i++) {
        key[i] = (uint8_t)i;
        text[i] = (uint8_t)(i * 0x11);
    }
    expand(key);
    encrypt(text);
    show("encrypted", text);
    decrypt(text);
    show("decrypted", text);
    for (int i = 0; i < 64; i++) message[i] = (uint8_t)(i * i);
    for (int b = 0; b < 64; b += 16) {
        for (int i = 0; i < 16; i++) chain[i] ^= message[b + i];
        encrypt(chain);
        show("cbc", chain);
    }
    return 0;
}
