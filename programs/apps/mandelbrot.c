// The Mandelbrot set as a PNG on standard output.
//
//   mandelbrot [WIDTH HEIGHT [X Y SPAN]]      the middle and the width shown; 160 120 -0.6 0 3.2
//
// The PNG's image data is deflate's simplest form, stored blocks: only checksums are computed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 200, BLOCK = 65535 };

static uint32_t crc_table[256];

static uint32_t crc(uint32_t sum, const uint8_t *data, size_t size) {
    if (!crc_table[1])
        for (uint32_t i = 0; i < 256; i++) {
            crc_table[i] = i;
            for (int bit = 0; bit < 8; bit++)
                crc_table[i] = crc_table[i] >> 1 ^ (crc_table[i] & 1) * 0xedb88320u;
        }
    sum = ~sum;
    while (size--) sum = sum >> 8 ^ crc_table[(sum ^ *data++) & 255];
    return ~sum;
}

static uint32_t adler(const uint8_t *data, size_t size) {
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static uint8_t *big_endian(uint8_t *p, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) *p++ = (uint8_t)(value >> shift);
    return p;
}

// A chunk: length, type, data, and the CRC of type and data.
static void chunk(const char *type, const uint8_t *data, size_t size) {
    uint8_t number[4];
    big_endian(number, (uint32_t)size);
    fwrite(number, 1, 4, stdout);
    fwrite(type, 1, 4, stdout);
    fwrite(data, 1, size, stdout);
    big_endian(number, crc(crc(0, (const uint8_t *)type, 4), data, size));
    fwrite(number, 1, 4, stdout);
}

static int escape_time(double x, double y) {
    double a = 0, b = 0;
    for (int n = 0; n < LIMIT; n++) {
        double aa = a * a, bb = b * b;
        if (aa + bb > 4) return n;
        b = 2 * a * b + y;
        a = aa - bb + x;
    }
    return LIMIT;
}

static void colour(int n, uint8_t *rgb) {
    if (n == LIMIT) return;  // black
    rgb[0] = (uint8_t)(9 * n);
    rgb[1] = (uint8_t)(5 * n);
    rgb[2] = (uint8_t)(80 + 3 * n);
}

int main(int argc, char **argv) {
    long width = argc > 2 ? atol(argv[1]) : 160, height = argc > 2 ? atol(argv[2]) : 120;
    double x = argc > 5 ? atof(argv[3]) : -0.6, y = argc > 5 ? atof(argv[4]) : 0;
    double span = argc > 5 ? atof(argv[5]) : 3.2;
    if (width < 1 || height < 1 || width > 4096 || height > 4096) {
        fprintf(stderr, "mandelbrot: a size is 1 to 4096 by 1 to 4096\n");
        return 2;
    }
    // Rows of a filter byte (0: none) and three bytes a pixel; then the stored blocks around them.
    size_t row = 1 + 3 * (size_t)width, size = row * (size_t)height;
    size_t blocks = (size + BLOCK - 1) / BLOCK;
    uint8_t *image = calloc(1, size), *packed = malloc(2 + size + 5 * blocks + 4), *p = packed;
    if (!image || !packed) return 1;
    for (long j = 0; j < height; j++)
        for (long i = 0; i < width; i++) {
            double step = span / (double)width;
            double cx = x + step * ((double)i - (double)width / 2);
            double cy = y + step * ((double)j - (double)height / 2);
            colour(escape_time(cx, cy), image + (size_t)j * row + 1 + 3 * i);
        }
    *p++ = 0x78, *p++ = 0x01;  // zlib: deflate, 32 KiB window, no dictionary
    for (size_t at = 0; at < size; at += BLOCK) {
        size_t n = size - at < BLOCK ? size - at : BLOCK;
        *p++ = at + n == size;  // last block or not; type 0, stored
        *p++ = (uint8_t)n, *p++ = (uint8_t)(n >> 8);
        *p++ = (uint8_t)~n, *p++ = (uint8_t)(~n >> 8);
        memcpy(p, image + at, n);
        p += n;
    }
    p = big_endian(p, adler(image, size));
    uint8_t header[13], *h = big_endian(big_endian(header, (uint32_t)width), (uint32_t)height);
    memcpy(h, (uint8_t[]){8, 2, 0, 0, 0}, 5);  // 8 bits, RGB, deflate, filters, not interlaced
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, stdout);
    chunk("IHDR", header, sizeof header);
    chunk("IDAT", packed, (size_t)(p - packed));
    chunk("IEND", image, 0);
    return fflush(stdout) != 0;
}
