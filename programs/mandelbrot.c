// The Mandelbrot set in ASCII, with every multiplication and addition rounded on its own.
// cflags: -ffp-contract=off
#include <stdio.h>

static int escape(double cr, double ci) {
    double zr = 0, zi = 0;
    int n = 0;
    while (n < 64 && zr * zr + zi * zi <= 4.0) {
        double next = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = next;
        n++;
    }
    return n;
}

int main(void) {
    static const char shade[] = " .:-=+*#%@";
    unsigned total = 0;
    for (int y = 0; y < 24; y++) {
        for (int x = 0; x < 64; x++) {
            int n = escape(-2.2 + x * 0.05, -1.2 + y * 0.1);
            total += (unsigned)n;
            putchar(shade[n * 9 / 64]);
        }
        putchar('\n');
    }
    printf("iterations %u\n", total);
    return 0;
}
