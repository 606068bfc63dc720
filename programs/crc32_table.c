// CRC-32 in software: bit by bit, by table, and by slicing; all three agree.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t table[4][256];

static uint32_t by_bit(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
    }
    return ~crc;
}

static uint32_t by_table(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    while (n--) crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
    return ~crc;
}

static uint32_t by_slices(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (; n >= 4; n -= 4, p += 4) {
        uint32_t v;
        memcpy(&v, p, 4);
        crc ^= v;
        crc = table[3][crc & 255] ^ table[2][crc >> 8 & 255] ^ table[1][crc >> 16 & 255] ^
              table[0][crc >> 24];
    }
    while (n--) crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
    return ~crc;
}

int main(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int b = 0; b < 8; b++) c = c >> 1 ^ (0xedb88320 & -(c & 1));
        table[0][i] = c;
    }
    for (int s = 1; s < 4; s++)
        for (int i = 0; i < 256; i++)
            table[s][i] = table[s - 1][i] >> 8 ^ table[0][table[s - 1][i] & 255];
    static uint8_t data[4099];
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + i / 251);
    printf("123456789: %08x\n", by_table((const uint8_t *)"123456789", 9));
    for (size_t n = 0; n <= sizeof data; n = n * 4 + 3)
        printf("%zu: %08x %08x %08x\n", n, by_bit(data, n), by_table(data, n), by_slices(data, n));
    return 0;
}
