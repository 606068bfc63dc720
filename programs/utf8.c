// UTF-8: decoding with validation, encoding back, code points of one to four bytes.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int decode(const uint8_t *p, uint32_t *point) {
    int n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
    if (n == 0) return 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t v = n == 1 ? *p : *p & (0x7f >> n);
    for (int i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) return 0;
        v = v << 6 | (p[i] & 63);
    }
    // Overlong forms, surrogates and points past the last plane are no characters.
    if (v < least[n] || (v >= 0xd800 && v < 0xe000) || v > 0x10ffff) return 0;
    *point = v;
    return n;
}

static int encode(uint32_t v, uint8_t *p) {
    int n = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;
    if (n == 1) {
        *p = (uint8_t)v;
        return 1;
    }
    for (int i = n - 1; i > 0; i--, v >>= 6) p[i] = (uint8_t)(0x80 | (v & 63));
    p[0] = (uint8_t)(0xf00 >> n | v);
    return n;
}

int main(void) {
    static const char text[] = "na\xc3\xafve \xce\xbb \xe2\x82\xac \xe4\xb8\xad \xf0\x9f\x98\x80!";
    const uint8_t *p = (const uint8_t *)text;
    while (*p) {
        uint32_t point = 0;
        int n = decode(p, &point);
        printf("U+%04X/%d ", point, n);
        p += n ? n : 1;
    }
    printf("\n%s\n", text);
    unsigned wrong = 0;
    for (uint32_t v = 0; v < 0x110000; v += v < 0x1000 ? 1 : 97) {
        uint8_t buffer[4];
        uint32_t back = ~0u;
        int n = encode(v, buffer), m = decode(buffer, &back);
        int surrogate = v >= 0xd800 && v < 0xe000;
        wrong += surrogate ? m != 0 : m != n || back != v;
    }
    static const char *const bad[] = {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
    unsigned refused = 0;
    for (int i = 0; i < 6; i++) {
        uint32_t point;
        refused += decode((const uint8_t *)bad[i], &point) == 0;
    }
    printf("wrong %u refused %u\n", wrong, refused);
    return 0;
}
