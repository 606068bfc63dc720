// Base64 and hex encoding and decoding; every length modulo three; bad input is refused.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const uint8_t *in, size_t n, char *out) {
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
        *out++ = alphabet[v >> 18];
        *out++ = alphabet[v >> 12 & 63];
        *out++ = i + 1 < n ? alphabet[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? alphabet[v & 63] : '=';
    }
    *out = 0;
}

static int decode(const char *in, uint8_t *out) {
    int n = 0, bits = 0;
    uint32_t v = 0;
    for (; *in && *in != '='; in++) {
        const char *p = strchr(alphabet, *in);
        if (!p) return -1;
        v = v << 6 | (uint32_t)(p - alphabet);
        bits += 6;
        if (bits >= 8) out[n++] = (uint8_t)(v >> (bits -= 8));
    }
    return n;
}

int main(void) {
    static const char *const texts[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar", "light w\xc3\xb6rk"};
    char coded[512];
    uint8_t back[256], data[256];
    for (int i = 0; i < 8; i++) {
        encode((const uint8_t *)texts[i], strlen(texts[i]), coded);
        int n = decode(coded, back);
        printf("%s %d %d\n", coded, n, n == (int)strlen(texts[i]) && !memcmp(back, texts[i], (size_t)n));
    }
    unsigned wrong = 0;
    for (int n = 0; n < 256; n++) {
        data[n] = (uint8_t)(n * 73 + 5);
        encode(data, (size_t)n, coded);
        wrong += decode(coded, back) != n || memcmp(data, back, (size_t)n) != 0;
    }
    printf("wrong %u bad input %d\n%s\n", wrong, decode("ab*d", back), coded);
    return 0;
}
