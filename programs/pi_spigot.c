// The digits of pi by a spigot: integer division in a long loop, with carries held back.
#include <stdio.h>

#define DIGITS 200
#define CELLS (DIGITS * 10 / 3 + 2)

static int cell[CELLS];

int main(void) {
    int nines = 0, held = -1, printed = 0;
    for (int i = 0; i < CELLS; i++) cell[i] = 2;
    while (printed < DIGITS) {
        int carry = 0;
        for (int i = CELLS - 1; i >= 0; i--) {
            int v = cell[i] * 10 + carry * (i + 1);
            cell[i] = i ? v % (2 * i + 1) : v % 10;
            carry = i ? v / (2 * i + 1) : v / 10;
        }
        if (carry == 9) {
            nines++;
            continue;
        }
        if (held >= 0) {
            putchar('0' + held + carry / 10);
            if (++printed % 50 == 0) putchar('\n');
        }
        for (; nines; nines--) {
            putchar(carry == 10 ? '0' : '9');
            if (++printed % 50 == 0) putchar('\n');
        }
        held = carry % 10;
    }
    putchar('\n');
    return 0;
}
