// N queens with bit masks, counting solutions and showing the first one.
#include <stdio.h>

static unsigned count, first[16];
static unsigned row[16];

static void place(unsigned n, unsigned depth, unsigned columns, unsigned left, unsigned right) {
    unsigned all = (1u << n) - 1;
    if (columns == all) {
        if (count++ == 0)
            for (unsigned i = 0; i < n; i++) first[i] = row[i];
        return;
    }
    for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
        unsigned bit = free & -free;
        row[depth] = bit;
        place(n, depth + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
}

int main(void) {
    for (unsigned n = 1; n <= 8; n++) {
        count = 0;
        place(n, 0, 0, 0, 0);
        printf("%u queens: %u\n", n, count);
    }
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned j = 0; j < 8; j++) putchar(first[i] >> j & 1 ? 'Q' : '.');
        putchar('\n');
    }
    return 0;
}
