// AES-128 of standard input to standard output, and the vectors of its standards.
//
//   aes test
//   aes [--raw] ecb encrypt|decrypt KEY            keys and vectors are 32 hex digits
//   aes [--raw] cbc|ctr encrypt|decrypt KEY IV
//
// ECB and CBC pad by PKCS #7; with --raw the input must be whole blocks, and stays so.
#include "aes.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const char *message) {
    fprintf(stderr, "aes: %s\n", message);
    return 2;
}

static int from_hex(const char *text, uint8_t *out, size_t size) {
    if (strlen(text) != 2 * size) return 0;
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0}, *end;
        out[i] = (uint8_t)strtoul(digits, &end, 16);
        if (*end || end != digits + 2) return 0;
    }
    return 1;
}

// FIPS 197 appendices B and C.1, SP 800-38A F.1.1, F.2.1 and F.5.1.
#define SP_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define SP_TEXT                                                          \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
static const struct {
    const char *name, *key, *iv, *plain, *cipher;
} vectors[] = {
    {"FIPS 197 B", SP_KEY, NULL, "3243f6a8885a308d313198a2e0370734",
     "3925841d02dc09fbdc118597196a0b32"},
    {"FIPS 197 C.1", "000102030405060708090a0b0c0d0e0f", NULL, "00112233445566778899aabbccddeeff",
     "69c4e0d86a7b0430d8cdb78070b4c55a"},
    {"SP 800-38A ECB", SP_KEY, NULL, SP_TEXT,
     "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
     "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4"},
    {"SP 800-38A CBC", SP_KEY, "000102030405060708090a0b0c0d0e0f", SP_TEXT,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {"SP 800-38A CTR", SP_KEY, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", SP_TEXT,
     "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
     "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
};

static int test(void) {
    int failed = 0;
    for (unsigned v = 0; v < sizeof vectors / sizeof *vectors; v++) {
        uint8_t key[16], iv[16], chain[16], plain[64], cipher[64], got[64];
        size_t n = strlen(vectors[v].plain) / 2;
        struct aes a;
        from_hex(vectors[v].key, key, 16);
        if (vectors[v].iv) from_hex(vectors[v].iv, iv, 16);
        from_hex(vectors[v].plain, plain, n);
        from_hex(vectors[v].cipher, cipher, n);
        aes_init(&a, key);
        int right = 1, ctr = strstr(vectors[v].name, "CTR") != NULL;
        for (int decrypt = 0; decrypt < 2; decrypt++) {
            memcpy(got, decrypt ? cipher : plain, n);
            memcpy(chain, iv, sizeof chain);
            if (ctr) aes_ctr(&a, iv, got, n);
            else aes_blocks(&a, vectors[v].iv ? chain : NULL, decrypt, got, n);
            right &= !memcmp(got, decrypt ? plain : cipher, n);
        }
        printf("%-16s %s\n", vectors[v].name, right ? "right" : "WRONG");
        failed |= !right;
    }
    return failed;
}

static uint8_t *read_all(size_t *size) {
    size_t room = 1 << 16, n;
    uint8_t *data = malloc(room + AES_BLOCK);
    for (*size = 0; data && (n = fread(data + *size, 1, room - *size, stdin)) > 0;) {
        *size += n;
        if (*size == room) data = realloc(data, (room *= 2) + AES_BLOCK);
    }
    return data;
}

int main(int argc, char **argv) {
    uint8_t key[16], iv[16];
    struct aes a;
    size_t n;
    if (argc == 2 && !strcmp(argv[1], "test")) return test();
    int raw = argc > 1 && !strcmp(argv[1], "--raw");
    argc -= raw, argv += raw;
    const char *mode = argc > 1 ? argv[1] : "";
    int ecb = !strcmp(mode, "ecb"), cbc = !strcmp(mode, "cbc"), ctr = !strcmp(mode, "ctr");
    if (!(ecb || cbc || ctr) || argc != (ecb ? 4 : 5))
        return fail("usage: aes test | aes [--raw] ecb|cbc|ctr encrypt|decrypt KEY [IV]");
    int decrypt = !strcmp(argv[2], "decrypt");
    if (!decrypt && strcmp(argv[2], "encrypt")) return fail("neither encrypt nor decrypt");
    if (!from_hex(argv[3], key, 16)) return fail("a key is 32 hex digits");
    if (!ecb && !from_hex(argv[4], iv, 16)) return fail("an initial vector is 32 hex digits");
    uint8_t *data = read_all(&n);
    if (!data) return fail("out of memory");
    aes_init(&a, key);
    if (ctr) {
        aes_ctr(&a, iv, data, n);
    } else {
        if (!raw && !decrypt) {
            size_t padding = AES_BLOCK - n % AES_BLOCK;
            memset(data + n, (int)padding, padding);
            n += padding;
        }
        if (n % AES_BLOCK) return fail("the input is not whole blocks of 16 bytes");
        aes_blocks(&a, cbc ? iv : NULL, decrypt, data, n);
        if (!raw && decrypt) {
            size_t padding = n ? data[n - 1] : 0;
            if (!padding || padding > AES_BLOCK) return fail("wrong key, or not padded");
            for (size_t i = n - padding; i < n; i++)
                if (data[i] != padding) return fail("wrong key, or not padded");
            n -= padding;
        }
    }
    return fwrite(data, 1, n, stdout) != n;
}
