// Image filters that compilers vectorise: box blur, sharpen and threshold on 8-bit pixels.
// cflags: -ftree-vectorize
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define W 64
#define H 40

static uint8_t a[H][W], b[H][W];

__attribute__((noinline)) static void blur(uint8_t (*restrict out)[W], uint8_t (*restrict in)[W]) {
    for (int y = 1; y < H - 1; y++)
        for (int x = 1; x < W - 1; x++) {
            unsigned sum = 0;
            for (int j = -1; j <= 1; j++)
                for (int i = -1; i <= 1; i++) sum += in[y + j][x + i];
            out[y][x] = (uint8_t)(sum * 57 >> 9);
        }
}

__attribute__((noinline)) static void sharpen(uint8_t (*restrict out)[W], uint8_t (*restrict in)[W]) {
    for (int y = 1; y < H - 1; y++)
        for (int x = 1; x < W - 1; x++) {
            int v = 5 * in[y][x] - in[y - 1][x] - in[y + 1][x] - in[y][x - 1] - in[y][x + 1];
            out[y][x] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}

static unsigned digest(uint8_t (*p)[W]) {
    unsigned d = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) d = d * 31 + p[y][x];
    return d;
}

int main(void) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int dx = x - 30, dy = (y - 20) * 2, r = dx * dx + dy * dy;
            a[y][x] = (uint8_t)(r < 300 ? 220 : r < 900 ? 90 + x : (x * y) % 40);
        }
    memcpy(b, a, sizeof a);
    for (int i = 0; i < 3; i++) {
        blur(b, a);
        printf("blur %08x ", digest(b));
        sharpen(a, b);
        printf("sharpen %08x\n", digest(a));
    }
    for (int y = 2; y < H; y += 3) {
        for (int x = 0; x < W; x++) putchar(" .+#"[a[y][x] >> 6]);
        putchar('\n');
    }
    return 0;
}
