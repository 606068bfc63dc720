// Conway's Game of Life on a torus: watch it, or stop it and draw.
//
//   life [--seed N] [glider|gun|pentomino|random]      play
//   life --generations N [PATTERN]                     print what is there after N generations
#include "terminal.h"

enum { HEIGHT = 22, WIDTH = 80 };

static unsigned char now[HEIGHT][WIDTH], after[HEIGHT][WIDTH];
static int generation, cursor_y = HEIGHT / 2, cursor_x = WIDTH / 2;

static void step(void) {
    for (int y = 0; y < HEIGHT; y++) {
        const unsigned char *above = now[(y + HEIGHT - 1) % HEIGHT], *below = now[(y + 1) % HEIGHT];
        for (int x = 0; x < WIDTH; x++) {
            int l = (x + WIDTH - 1) % WIDTH, r = (x + 1) % WIDTH;
            int n = above[l] + above[x] + above[r] + now[y][l] + now[y][r] + below[l] + below[x] +
                    below[r];
            after[y][x] = n == 3 || (n == 2 && now[y][x]);
        }
    }
    memcpy(now, after, sizeof now);
    generation++;
}

static int population(void) {
    int n = 0;
    for (int i = 0; i < HEIGHT * WIDTH; i++) n += (&now[0][0])[i];
    return n;
}

static const struct {
    const char *name, *rows[10];
} patterns[] = {
    {"glider", {".#.", "..#", "###"}},
    {"pentomino", {".##", "##.", ".#."}},
    {"gun",  // Gosper's, which sends a glider every 30 generations
     {"........................#...........", "......................#.#...........",
      "............##......##............##", "...........#...#....##............##",
      "##........#.....#...##..............", "##........#...#.##....#.#...........",
      "..........#.....#.......#...........", "...........#...#....................",
      "............##......................"}},
};

static int place(const char *name) {
    if (!strcmp(name, "random")) {
        for (int i = 0; i < HEIGHT * WIDTH; i++) (&now[0][0])[i] = random_below(4) == 0;
        return 1;
    }
    for (unsigned p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        if (strcmp(name, patterns[p].name)) continue;
        for (int y = 0; patterns[p].rows[y]; y++)
            for (int x = 0; patterns[p].rows[y][x]; x++)
                now[HEIGHT / 2 - 4 + y][20 + x] = patterns[p].rows[y][x] == '#';
        return 1;
    }
    return 0;
}

static void draw(int running) {
    clear();
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            if (now[y][x]) put(y, x, '#', GREEN);
    if (!running) put(cursor_y, cursor_x, now[cursor_y][cursor_x] ? '#' : '+', INVERSE);
    text(HEIGHT, 0, WHITE, "generation %d, population %d", generation, population());
    text(HEIGHT + 1, 0, PLAIN, "%s",
         running ? "space stops, q quits"
                 : "arrows move, enter sets or clears, n one step, space runs, q quits");
    show();
}

static int print_after(int generations) {
    while (generation < generations) step();
    for (int y = 0; y < HEIGHT; y++, putchar('\n'))
        for (int x = 0; x < WIDTH; x++) putchar(now[y][x] ? '#' : '.');
    printf("generation %d, population %d\n", generation, population());
    return 0;
}

int main(int argc, char **argv) {
    int i = options(argc, argv), generations = -1;
    if (i + 1 < argc && !strcmp(argv[i], "--generations")) {
        generations = atoi(argv[i + 1]);
        i += 2;
    }
    const char *pattern = i < argc ? argv[i] : "random";
    if (!place(pattern)) {
        fprintf(stderr, "life: no pattern %s: there is glider, gun, pentomino, random\n", pattern);
        return 2;
    }
    if (generations >= 0) return print_after(generations);
    terminal_open();
    for (int running = !turns;;) {
        draw(running);
        int k = event(100);
        if (k == 'q' || k == QUIT) break;
        if (k == ' ') running = !running;
        if (k == 'n' || (k == TICK && running)) step();
        if (k == '\r' || k == '\n') now[cursor_y][cursor_x] ^= 1;
        cursor_y = (cursor_y + (k == DOWN) - (k == UP) + HEIGHT) % HEIGHT;
        cursor_x = (cursor_x + (k == RIGHT) - (k == LEFT) + WIDTH) % WIDTH;
    }
    terminal_close();
    printf("generation %d, population %d\n", generation, population());
    return 0;
}
