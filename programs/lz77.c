// LZ77 with a hash of three bytes: compress, decompress, compare, ratio for several inputs.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N 4096

static uint8_t in[N], packed[2 * N], out[N];
static int32_t last[1024];

static size_t compress(const uint8_t *p, size_t n, uint8_t *q) {
    uint8_t *start = q;
    memset(last, 0xff, sizeof last);
    for (size_t i = 0; i < n;) {
        size_t length = 0, distance = 0;
        if (i + 3 < n) {
            unsigned h = (p[i] * 2654435761u ^ p[i + 1] * 40503u ^ p[i + 2] * 2246822519u) >> 7 & 1023;
            if (last[h] >= 0) {
                distance = i - (size_t)last[h];
                while (length < 130 && i + length < n && p[i + length] == p[i + length - distance])
                    length++;
            }
            last[h] = (int32_t)i;
        }
        if (length >= 4 && distance < 65536) {
            *q++ = (uint8_t)(0x80 | (length - 3));
            *q++ = (uint8_t)distance;
            *q++ = (uint8_t)(distance >> 8);
            i += length;
        } else {
            *q++ = 1;
            *q++ = p[i++];
        }
    }
    return (size_t)(q - start);
}

static size_t expand(const uint8_t *q, size_t n, uint8_t *p) {
    uint8_t *start = p;
    for (const uint8_t *end = q + n; q < end;) {
        if (*q & 0x80) {
            unsigned length = (*q & 0x7f) + 3, distance = q[1] | q[2] << 8;
            for (q += 3; length--; p++) *p = p[-(int)distance];
        } else {
            *p++ = q[1];
            q += 2;
        }
    }
    return (size_t)(p - start);
}

int main(void) {
    static const char *const names[] = {"zeros", "text", "noise", "ramp"};
    for (int kind = 0; kind < 4; kind++) {
        uint32_t s = 1;
        for (int i = 0; i < N; i++) {
            s = s * 1664525 + 1013904223;
            in[i] = kind == 0   ? 0
                    : kind == 1 ? (uint8_t)"the cat sat on the mat; "[(i + i / 96) % 24]
                    : kind == 2 ? (uint8_t)(s >> 24)
                                : (uint8_t)(i / 8);
        }
        memset(out, 0xee, N);
        size_t size = compress(in, N, packed), back = expand(packed, size, out);
        uint32_t digest = 0;
        for (size_t i = 0; i < size; i++) digest = digest * 31 + packed[i];
        printf("%s: %d -> %zu %08x, same %d\n", names[kind], N, size, digest,
               back == N && !memcmp(in, out, N));
    }
    return 0;
}
