// What the games share: a terminal in raw mode, keys, time, a frame of cells, random numbers.
//
// Time is an event like a key: `event(period)` returns TICK once a period.  With `--turns` no
// clock is read at all and the key `.` is the tick, so a game is a function of seed and keys.
#ifndef TERMINAL_H
#define TERMINAL_H

#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 24, COLUMNS = 80 };
enum { TICK = 256, UP, DOWN, LEFT, RIGHT, ESCAPE = 27, QUIT = 3 };
// A cell may hold one of these besides ASCII: two pixels, one above the other.
enum { UPPER = 1, LOWER, BOTH };
enum { PLAIN, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, INVERSE };

static struct termios saved;
static int terminal_is_raw, turns;
static uint32_t random_state;
static char cells[ROWS][COLUMNS], colours[ROWS][COLUMNS];

static void terminal_close(void) {
    if (!terminal_is_raw) return;
    terminal_is_raw = 0;
    tcsetattr(0, TCSAFLUSH, &saved);
    // Colours off, cursor on, back from the alternate screen.
    fputs("\033[0m\033[?25h\033[?1049l", stdout);
    fflush(stdout);
}

// Raw but for output: keys come one by one, unseen, and Ctrl-C is a key.
static void terminal_open(void) {
    static char buffer[1 << 15];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (tcgetattr(0, &saved)) return;  // not a terminal: keys come from a pipe
    struct termios raw = saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    atexit(terminal_close);
    terminal_is_raw = 1;
    tcsetattr(0, TCSAFLUSH, &raw);
    fputs("\033[?1049h\033[?25l\033[2J", stdout);
}

static int64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static int waiting(int timeout) {
    struct pollfd input = {0, POLLIN, 0};
    return poll(&input, 1, timeout) > 0;
}

// One key, arrows as UP to RIGHT; QUIT, which is Ctrl-C, when the input ends too.
static int key(void) {
    unsigned char c[2];
    if (read(0, c, 1) != 1) return QUIT;
    if (c[0] != ESCAPE) return c[0];
    // An arrow is ESC [ A, sent in one piece: what follows later is another key.
    if (!waiting(20) || read(0, c, 1) != 1 || (c[0] != '[' && c[0] != 'O')) return ESCAPE;
    if (read(0, c, 1) != 1 || c[0] < 'A' || c[0] > 'D') return ESCAPE;
    static const int arrows[] = {UP, DOWN, RIGHT, LEFT};
    return arrows[c[0] - 'A'];
}

// The next key, or TICK when `period` milliseconds have passed since the last TICK.
static inline int event(int period) {
    static int64_t due;
    if (turns) {
        int k = key();
        return k == '.' ? TICK : k;
    }
    int64_t now = milliseconds();
    if (due < now - period || due > now + period) due = now + period;
    if (now < due && waiting((int)(due - now))) return key();
    due += period;
    return TICK;
}

// xorshift32 by Marsaglia; `bound` is small, so the bias of the remainder is too.
static int random_below(int bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return (int)(random_state % (unsigned)bound);
}

static void seed_random(uint32_t seed) {
    random_state = seed * 2654435761u ^ 0x9e3779b9u;
    if (!random_state) random_state = 1;
    for (int i = 0; i < 16; i++) random_below(2);
}

// --seed N and --turns; returns the index of the first argument that is something else.
static int options(int argc, char **argv) {
    uint32_t seed = (uint32_t)time(NULL);
    int i = 1;
    for (; i < argc; i++) {
        if (!strcmp(argv[i], "--turns")) turns = 1;
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc) seed = (uint32_t)atoi(argv[++i]);
        else break;
    }
    seed_random(seed);
    return i;
}

static inline void clear(void) {
    memset(cells, ' ', sizeof cells);
    memset(colours, PLAIN, sizeof colours);
}

static inline void put(int row, int column, char c, int colour) {
    if (row < 0 || row >= ROWS || column < 0 || column >= COLUMNS) return;
    cells[row][column] = c;
    colours[row][column] = (char)colour;
}

__attribute__((format(printf, 4, 5)))
static void text(int row, int column, int colour, const char *format, ...) {
    char line[COLUMNS + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (int i = 0; line[i]; i++) put(row, column + i, line[i], colour);
}

// Send the frame: one write, no scrolling, blanks at a line's end cut off.
static void show(void) {
    int colour = PLAIN;
    for (int row = 0; row < ROWS; row++) {
        printf("\033[%dH", row + 1);
        int end = COLUMNS;
        while (end && cells[row][end - 1] == ' ' && colours[row][end - 1] == PLAIN) end--;
        for (int x = 0; x < end; x++) {
            if (colours[row][x] != colour) {
                colour = colours[row][x];
                if (colour == INVERSE) fputs("\033[0;7m", stdout);
                else printf("\033[0;%dm", colour ? 30 + colour : 39);
            }
            static const char *const pixels[] = {[UPPER] = "▀", "▄", "█"};
            if (cells[row][x] <= BOTH) fputs(pixels[(int)cells[row][x]], stdout);
            else putchar(cells[row][x]);
        }
        if (colour != PLAIN) {
            colour = PLAIN;
            fputs("\033[0m", stdout);
        }
        if (end < COLUMNS) fputs("\033[K", stdout);
    }
    fflush(stdout);
}

#endif
