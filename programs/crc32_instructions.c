// The CRC32 instructions of Armv8.0's optional extension, against a bitwise computation.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __clang__
#define WITH_CRC __attribute__((target("crc")))
#define CRC(name) __builtin_arm_##name
#define CRC64(name, crc, v) __builtin_arm_##name##d(crc, v)
#else
#define WITH_CRC __attribute__((target("+crc")))
#define CRC(name) __builtin_aarch64_##name
#define CRC64(name, crc, v) __builtin_aarch64_##name##x(crc, v)
#endif

static uint32_t reference(uint32_t polynomial, const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (polynomial & -(crc & 1));
    }
    return ~crc;
}

WITH_CRC static uint32_t crc32(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        crc = CRC64(crc32, crc, v);
    }
    if (n & 4) {
        uint32_t v;
        memcpy(&v, p, 4);
        crc = CRC(crc32w)(crc, v), p += 4;
    }
    if (n & 2) {
        uint16_t v;
        memcpy(&v, p, 2);
        crc = CRC(crc32h)(crc, v), p += 2;
    }
    if (n & 1) crc = CRC(crc32b)(crc, *p);
    return ~crc;
}

WITH_CRC static uint32_t crc32c(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        crc = CRC64(crc32c, crc, v);
    }
    while (n--) crc = CRC(crc32cb)(crc, *p++);
    return ~crc;
}

int main(void) {
    static uint8_t data[1031];
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 11 + i / 7);
    printf("%08x %08x\n", crc32((const uint8_t *)"123456789", 9),
           crc32c((const uint8_t *)"123456789", 9));
    unsigned wrong = 0;
    for (size_t n = 0; n <= 64; n++) {
        wrong += crc32(data, n) != reference(0xedb88320, data, n);
        wrong += crc32c(data, n) != reference(0x82f63b78, data, n);
    }
    printf("%08x %08x wrong %u\n", crc32(data, sizeof data), crc32c(data, sizeof data), wrong);
    return 0;
}
