// A sudoku solver: backtracking over bit masks, always at the cell with the fewest candidates.
#include <stdio.h>

static int cell[81], row[9], column[9], box[9];
static unsigned long guesses;

static int of_box(int i) { return i / 27 * 3 + i % 9 / 3; }

static void set(int i, int bit) {
    cell[i] = bit;
    row[i / 9] ^= bit, column[i % 9] ^= bit, box[of_box(i)] ^= bit;
}

static int solve(void) {
    int best = -1, fewest = 10, options = 0;
    for (int i = 0; i < 81; i++) {
        if (cell[i]) continue;
        int free = 511 & ~(row[i / 9] | column[i % 9] | box[of_box(i)]);
        int n = __builtin_popcount((unsigned)free);
        if (n < fewest) best = i, fewest = n, options = free;
    }
    if (best < 0) return 1;
    for (; options; options &= options - 1) {
        int bit = options & -options;
        guesses++;
        set(best, bit);
        if (solve()) return 1;
        set(best, bit);
        cell[best] = 0;
    }
    return 0;
}

int main(void) {
    // A valid grid by a shifting pattern, from which cells are hidden by a fixed rule.
    for (int i = 0; i < 81; i++) {
        int r = i / 9, c = i % 9, digit = (r * 3 + r / 3 + c) % 9;
        if ((i * 37 + r * r) % 5 < 2) set(i, 1 << digit);
    }
    int given = 0;
    for (int i = 0; i < 81; i++) given += cell[i] != 0;
    int solved = solve();
    printf("given %d solved %d guesses %lu\n", given, solved, guesses);
    for (int i = 0; i < 81; i++)
        printf("%d%c", cell[i] ? __builtin_ctz((unsigned)cell[i]) + 1 : 0, i % 9 == 8 ? '\n' : ' ');
    return 0;
}
