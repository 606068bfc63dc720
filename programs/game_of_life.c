// Conway's life on a torus: a glider returns, an R-pentomino grows.
#include <stdio.h>
#include <string.h>

#define W 32
#define H 20

static unsigned char now[H][W], next[H][W];

static void generation(void) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int n = 0;
            for (int j = -1; j <= 1; j++)
                for (int i = -1; i <= 1; i++)
                    n += (i || j) && now[(y + j + H) % H][(x + i + W) % W];
            next[y][x] = n == 3 || (n == 2 && now[y][x]);
        }
    memcpy(now, next, sizeof now);
}

static int population(void) {
    int n = 0;
    for (int i = 0; i < H * W; i++) n += (&now[0][0])[i];
    return n;
}

static void put(const char *const *rows, int n, int y, int x) {
    for (int j = 0; j < n; j++)
        for (int i = 0; rows[j][i]; i++) now[y + j][x + i] = rows[j][i] == '#';
}

int main(void) {
    static const char *const glider[] = {".#.", "..#", "###"};
    static const char *const pentomino[] = {".##", "##.", ".#."};
    put(glider, 3, 2, 2);
    for (int i = 0; i < 8; i++) generation();
    printf("glider %d at its new place %d\n", population(), now[4][5] && now[5][6] && now[6][4]);
    memset(now, 0, sizeof now);
    put(pentomino, 3, 8, 14);
    for (int i = 0; i <= 60; i++) {
        if (i % 20 == 0) printf("generation %d: %d\n", i, population());
        generation();
    }
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) putchar(now[y][x] ? '#' : '.');
        putchar('\n');
    }
    return 0;
}
