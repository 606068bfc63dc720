// Reads handwritten digits: a network of two layers in integers.
//
//   digits [FILE]      28 by 28 pixels in binary PGM, as many as follow one another; or a drawing
//                      in characters, where a blank or a dot is paper, scaled to the same size
//
// Prints for each the digit, and by how much its score leads the next best one's.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits_weights.h"

enum { SIZE = 28, HALF = SIZE / 2, BOX = 20, DRAWING = 128 };

static unsigned char image[SIZE][SIZE];

static int classify(int *lead) {
    int input[HALF * HALF], hidden[HIDDEN], score[10], best = 0;
    for (int y = 0; y < HALF; y++)
        for (int x = 0; x < HALF; x++)
            input[y * HALF + x] = (image[2 * y][2 * x] + image[2 * y][2 * x + 1] +
                                   image[2 * y + 1][2 * x] + image[2 * y + 1][2 * x + 1]) / 4;
    for (int j = 0; j < HIDDEN; j++) {
        int sum = b1[j];
        for (int i = 0; i < HALF * HALF; i++) sum += input[i] * w1[i][j];
        sum >>= SHIFT;
        hidden[j] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
    for (int d = 0; d < 10; d++) {
        score[d] = b2[d];
        for (int j = 0; j < HIDDEN; j++) score[d] += hidden[j] * w2[j][d];
        if (score[d] > score[best]) best = d;
    }
    *lead = 1 << 30;
    for (int d = 0; d < 10; d++)
        if (d != best && score[best] - score[d] < *lead) *lead = score[best] - score[d];
    return best;
}

static int report(void) {
    int lead, digit = classify(&lead);
    return printf("%d %d\n", digit, lead);
}

static int fail(const char *message) {
    fprintf(stderr, "digits: %s\n", message);
    return 2;
}

// A drawing becomes 20 pixels high or wide in the middle of 28: each pixel is the share of ink.
static int drawing(FILE *file) {
    static char lines[DRAWING][DRAWING];
    int height = 0, top = DRAWING, bottom = -1, left = DRAWING, right = -1;
    for (; height < DRAWING && fgets(lines[height], DRAWING, file); height++)
        for (int x = 0; lines[height][x]; x++) {
            char c = lines[height][x];
            int ink = c != '.' && !isspace((unsigned char)c);
            lines[height][x] = (char)ink + 1;
            if (!ink) continue;
            if (height < top) top = height;
            bottom = height;
            if (x < left) left = x;
            if (x > right) right = x;
        }
    if (bottom < 0) return fail("there is no ink on this paper");
    // A character is about twice as high as wide: rows count double.
    double rows = 2.0 * (bottom - top + 1), columns = right - left + 1;
    double scale = (rows > columns ? rows : columns) / BOX;
    memset(image, 0, sizeof image);
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            int ink = 0;
            for (int s = 0; s < 16; s++) {
                double v = (y + (s / 4 + 0.5) / 4 - HALF) * scale + rows / 2;
                double u = (x + (s % 4 + 0.5) / 4 - HALF) * scale + columns / 2;
                if (v < 0 || u < 0 || v >= rows || u >= columns) continue;
                ink += lines[top + (int)(v / 2)][left + (int)u] == 2;
            }
            image[y][x] = (unsigned char)(ink * 255 / 16);
        }
    return report() < 0;
}

int main(int argc, char **argv) {
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : stdin;
    if (!file) return fail(strerror(errno));
    int first = getc(file), count = 0;
    ungetc(first, file);
    if (first != 'P') return drawing(file);
    for (int width, height, most; fscanf(file, " P5 %d %d %d", &width, &height, &most) == 3; count++) {
        if (width != SIZE || height != SIZE || most != 255 || getc(file) == EOF)
            return fail("an image is 28 by 28 pixels of 0 to 255");
        if (fread(image, 1, sizeof image, file) != sizeof image) return fail("the file ends early");
        report();
    }
    return count ? 0 : fail("this is no binary PGM");
}
