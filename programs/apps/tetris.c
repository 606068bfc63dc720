// Tetris: seven pieces, ten columns, lines that fill up vanish.
#include "terminal.h"

enum { HEIGHT = 20, WIDTH = 10, LEFT_EDGE = 28, SHAPES = 7 };

// Each shape in its four rotations: 4x4 bits, the lowest bit top left.
static const uint16_t shape_bits[SHAPES][4] = {
    {0x00f0, 0x4444, 0x0f00, 0x2222},  // I
    {0x0066, 0x0066, 0x0066, 0x0066},  // O
    {0x0072, 0x0262, 0x0270, 0x0232},  // T
    {0x0036, 0x0462, 0x0360, 0x0231},  // S
    {0x0063, 0x0264, 0x0630, 0x0132},  // Z
    {0x0071, 0x0226, 0x0470, 0x0322},  // J
    {0x0074, 0x0622, 0x0170, 0x0223},  // L
};
static const int shape_colour[SHAPES] = {CYAN, YELLOW, MAGENTA, GREEN, RED, BLUE, WHITE};

static char well[HEIGHT][WIDTH];  // 0 or 1 + the shape that lies there
static int shape, next_shape, rotation, row, column;
static int lines, score, over;

static int filled(int s, int r, int y, int x) { return shape_bits[s][r] >> (4 * y + x) & 1; }

static int fits(int r, int at_row, int at_column) {
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++) {
            if (!filled(shape, r, y, x)) continue;
            int wy = at_row + y, wx = at_column + x;
            if (wx < 0 || wx >= WIDTH || wy >= HEIGHT || (wy >= 0 && well[wy][wx])) return 0;
        }
    return 1;
}

// Shapes come from a bag: all seven, shuffled, then all seven again.
static int draw_shape(void) {
    static int bag[SHAPES], left;
    if (!left)
        for (left = 0; left < SHAPES; left++) bag[left] = left;
    int i = random_below(left), drawn = bag[i];
    bag[i] = bag[--left];
    return drawn;
}

static void new_piece(void) {
    shape = next_shape;
    next_shape = draw_shape();
    rotation = 0;
    row = -1;
    column = 3;
    over = !fits(rotation, row, column);
}

static int level(void) { return lines / 10; }

// The piece has landed: it becomes part of the well, full lines go.
static void land(void) {
    static const int points[] = {0, 40, 100, 300, 1200};
    int full = 0;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            if (filled(shape, rotation, y, x)) {
                if (row + y < 0) over = 1;
                else well[row + y][column + x] = (char)(1 + shape);
            }
    for (int y = 0; y < HEIGHT; y++) {
        if (memchr(well[y], 0, WIDTH)) continue;
        memmove(well[1], well[0], (size_t)y * WIDTH);
        memset(well[0], 0, WIDTH);
        full++;
    }
    score += points[full] * (level() + 1);
    lines += full;
    if (!over) new_piece();
}

static void fall(void) {
    if (fits(rotation, row + 1, column)) row++;
    else land();
}

static void rotate(void) {
    int r = (rotation + 1) % 4;
    // At a wall the turned piece may step aside by one, or two for the I.
    static const int aside[] = {0, -1, 1, -2, 2};
    for (int i = 0; i < 5; i++)
        if (fits(r, row, column + aside[i])) {
            rotation = r;
            column += aside[i];
            return;
        }
}

static void block(int y, int x, int s) {
    text(1 + y, LEFT_EDGE + 2 * x, shape_colour[s], "[]");
}

static void draw(int paused) {
    clear();
    text(0, LEFT_EDGE, WHITE, "       TETRIS");
    for (int y = 0; y < HEIGHT; y++) {
        text(1 + y, LEFT_EDGE - 2, PLAIN, "<!");
        text(1 + y, LEFT_EDGE + 2 * WIDTH, PLAIN, "!>");
        for (int x = 0; x < WIDTH; x++)
            if (well[y][x]) block(y, x, well[y][x] - 1);
            else text(1 + y, LEFT_EDGE + 2 * x, PLAIN, " .");
    }
    text(1 + HEIGHT, LEFT_EDGE - 2, PLAIN, "<!====================!>");
    for (int y = 0; y < 4 && !over; y++)
        for (int x = 0; x < 4; x++) {
            if (filled(shape, rotation, y, x) && row + y >= 0) block(row + y, column + x, shape);
        }
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            if (filled(next_shape, 0, y, x)) block(6 + y, WIDTH + 3 + x, next_shape);
    int side = LEFT_EDGE + 2 * WIDTH + 6;
    text(2, side, PLAIN, "score %d", score);
    text(3, side, PLAIN, "lines %d", lines);
    text(4, side, PLAIN, "level %d", level());
    text(6, side, PLAIN, "next");
    static const char *const help[] = {"left right  move",   "up          rotate",
                                       "down        faster", "space       drop",
                                       "p           pause",  "q           quit"};
    for (int i = 0; i < 6; i++) text(3 + i, 2, PLAIN, "%s", help[i]);
    if (paused) text(12, 4, YELLOW, "paused");
    if (over) text(12, 4, RED, "the well is full");
    show();
}

int main(int argc, char **argv) {
    options(argc, argv);
    terminal_open();
    next_shape = draw_shape();
    new_piece();
    for (int paused = 0;;) {
        draw(paused);
        int k = event(level() < 9 ? 600 - 60 * level() : 60);
        if (k == 'q' || k == QUIT) break;
        if (k == 'p') paused = !paused;
        if (paused || over) continue;
        if (k == LEFT || k == 'a') column -= fits(rotation, row, column - 1);
        if (k == RIGHT || k == 'd') column += fits(rotation, row, column + 1);
        if (k == UP || k == 'w') rotate();
        if (k == DOWN || k == 's' || k == TICK) fall();
        if (k == ' ') {
            while (fits(rotation, row + 1, column)) row++;
            land();
        }
    }
    terminal_close();
    printf("score %d, lines %d\n", score, lines);
    return 0;
}
