// Snake: eat, grow, and do not bite yourself.
#include "terminal.h"

enum { TOP = 2, HEIGHT = 20, WIDTH = 38, LONGEST = HEIGHT * WIDTH };

struct cell {
    int y, x;
};

static struct cell snake[LONGEST], food;  // snake[0] is the head
static int length, direction, score, asked;

static int inside(struct cell c) { return c.y >= 0 && c.y < HEIGHT && c.x >= 0 && c.x < WIDTH; }

static int on_snake(struct cell c, int until) {
    for (int i = 0; i < until; i++)
        if (snake[i].y == c.y && snake[i].x == c.x) return 1;
    return 0;
}

static void new_food(void) {
    do food = (struct cell){random_below(HEIGHT), random_below(WIDTH)};
    while (on_snake(food, length));
}

static void start(void) {
    length = 4;
    score = 0;
    direction = asked = RIGHT;
    for (int i = 0; i < length; i++) snake[i] = (struct cell){HEIGHT / 2, WIDTH / 2 - i};
    new_food();
}

// A step; 0 when the snake has died.
static int step(void) {
    struct cell head = snake[0];
    direction = asked;
    head.y += (direction == DOWN) - (direction == UP);
    head.x += (direction == RIGHT) - (direction == LEFT);
    // The tail's last cell moves on, so the head may enter it.
    if (!inside(head) || on_snake(head, length - 1)) return 0;
    int grows = head.y == food.y && head.x == food.x;
    length += grows;
    memmove(snake + 1, snake, (size_t)(length - 1) * sizeof *snake);
    snake[0] = head;
    if (grows) {
        score++;
        if (length == LONGEST) return 0;
        new_food();
    }
    return 1;
}

// A snake cannot turn back on itself: what it did last counts, not what was asked last.
static void turn(int wanted) {
    static const int opposite[] = {[UP - UP] = DOWN, UP, RIGHT, LEFT};
    if (direction != opposite[wanted - UP]) asked = wanted;
}

static void draw(const char *message) {
    clear();
    text(0, 1, WHITE, "SNAKE   score %d", score);
    // Cells are two columns wide: so they are square, and both directions equally fast.
    for (int x = 0; x < 2 * WIDTH + 2; x++)
        put(TOP - 1, x, '-', CYAN), put(TOP + HEIGHT, x, '-', CYAN);
    for (int y = 0; y < HEIGHT; y++)
        put(TOP + y, 0, '|', CYAN), put(TOP + y, 2 * WIDTH + 1, '|', CYAN);
    text(TOP + food.y, 1 + 2 * food.x, RED, "<>");
    for (int i = length - 1; i >= 0; i--)
        text(TOP + snake[i].y, 1 + 2 * snake[i].x, i ? GREEN : YELLOW, i ? "[]" : "@@");
    text(ROWS - 1, 1, PLAIN, "%s", message);
    show();
}

int main(int argc, char **argv) {
    options(argc, argv);
    terminal_open();
    start();
    const char *message = "arrows or wasd turn, p pauses, q quits";
    int alive = 1, paused = 0;
    for (;;) {
        draw(paused ? "paused: p goes on" : message);
        int k = event(score < 50 ? 150 - 2 * score : 50);
        if (k == 'q' || k == QUIT) break;
        if (k == 'p') paused = !paused;
        if (k == 'r' && !alive) start(), alive = 1, message = "";
        if (k == 'w') k = UP;
        if (k == 's') k = DOWN;
        if (k == 'a') k = LEFT;
        if (k == 'd') k = RIGHT;
        if (k >= UP && k <= RIGHT) turn(k);
        if (k == TICK && alive && !paused && !(alive = step()))
            message = "The snake is dead. r starts again, q quits";
    }
    terminal_close();
    printf("score %d, length %d\n", score, length);
    return 0;
}
