// A roguelike: five levels of rooms and corridors, the amulet on the last, and back is not needed.
#include "terminal.h"

enum { TOP = 1, HEIGHT = 21, WIDTH = 80, GRID = 3, LEVELS = 5, MONSTERS = 12, FULL = 24 };

struct room {
    int y, x, height, width;  // of its floor
};

struct monster {
    int kind, y, x, hits, awake;
};

static const struct {
    char letter;
    const char *name;
    int hits, hurts, worth;
} kinds[] = {
    {'r', "rat", 2, 1, 1},      {'k', "kobold", 4, 2, 3},   {'j', "jackal", 5, 3, 5},
    {'o', "orc", 9, 4, 10},     {'Z', "zombie", 14, 5, 18}, {'T', "troll", 22, 7, 40},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static char map[HEIGHT][WIDTH], seen[HEIGHT][WIDTH];
static struct room rooms[GRID * GRID];
static struct monster monsters[MONSTERS];
static int level, y, x, hits = FULL, weapon = 2, potions = 1, gold, kills, turn, won, dead;
static char message[2 * COLUMNS];

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...) {
    size_t n = strlen(message);
    va_list arguments;
    va_start(arguments, format);
    if (n < COLUMNS) vsnprintf(message + n, sizeof message - n, format, arguments);
    va_end(arguments);
}

static int between(int low, int high) { return low + random_below(high - low + 1); }

static struct monster *monster_at(int my, int mx) {
    for (int i = 0; i < MONSTERS; i++)
        if (monsters[i].hits > 0 && monsters[i].y == my && monsters[i].x == mx) return &monsters[i];
    return NULL;
}

static struct room *room_at(int my, int mx) {
    for (struct room *r = rooms; r < rooms + GRID * GRID; r++)
        if (my >= r->y && my < r->y + r->height && mx >= r->x && mx < r->x + r->width) return r;
    return NULL;
}

// A free place on the floor of some room.
static void somewhere(int *py, int *px) {
    do {
        const struct room *r = &rooms[random_below(GRID * GRID)];
        *py = between(r->y, r->y + r->height - 1);
        *px = between(r->x, r->x + r->width - 1);
    } while (map[*py][*px] != '.' || monster_at(*py, *px));
}

static void scatter(char what, int count) {
    for (int py, px; count-- > 0; map[py][px] = what) somewhere(&py, &px);
}

static void dig(int dy, int dx) {
    if (map[dy][dx] == ' ') map[dy][dx] = '#';
    else if (map[dy][dx] == '-' || map[dy][dx] == '|') map[dy][dx] = '+';
}

// From room to room: along one axis to half the way, across, and on.
static void corridor(const struct room *a, const struct room *b, int down) {
    int ay = between(a->y, a->y + a->height - 1), ax = between(a->x, a->x + a->width - 1);
    int by = between(b->y, b->y + b->height - 1), bx = between(b->x, b->x + b->width - 1);
    if (down) {
        int half = (a->y + a->height + b->y) / 2;
        for (int i = ay; i <= half; i++) dig(i, ax);
        for (int i = ax < bx ? ax : bx; i <= (ax < bx ? bx : ax); i++) dig(half, i);
        for (int i = half; i <= by; i++) dig(i, bx);
    } else {
        int half = (a->x + a->width + b->x) / 2;
        for (int i = ax; i <= half; i++) dig(ay, i);
        for (int i = ay < by ? ay : by; i <= (ay < by ? by : ay); i++) dig(i, half);
        for (int i = half; i <= bx; i++) dig(by, i);
    }
}

static void new_level(void) {
    memset(map, ' ', sizeof map);
    memset(seen, 0, sizeof seen);
    memset(monsters, 0, sizeof monsters);
    level++;
    for (int i = 0; i < GRID * GRID; i++) {
        struct room *r = &rooms[i];
        int cell_y = i / GRID * 7, cell_x = i % GRID * 26 + 1;
        // A wall around it, and a free line between cells for corridors.
        r->height = between(2, 4), r->width = between(5, 20);
        r->y = cell_y + between(1, 5 - r->height), r->x = cell_x + between(1, 22 - r->width);
        for (int j = r->y - 1; j <= r->y + r->height; j++)
            for (int k = r->x - 1; k <= r->x + r->width; k++) {
                int side = k == r->x - 1 || k == r->x + r->width;
                int end = j == r->y - 1 || j == r->y + r->height;
                map[j][k] = end ? '-' : side ? '|' : '.';
            }
    }
    for (int i = 0; i < GRID * GRID; i++) {
        if (i % GRID < GRID - 1) corridor(&rooms[i], &rooms[i + 1], 0);
        // Every row is connected; down, the first column always and the others by chance.
        if (i / GRID < GRID - 1 && (i % GRID == 0 || random_below(2)))
            corridor(&rooms[i], &rooms[i + GRID], 1);
    }
    somewhere(&y, &x);
    scatter(level < LEVELS ? '>' : '"', 1);
    scatter('$', 3 + random_below(4));
    scatter('!', 1 + random_below(3));
    scatter(')', random_below(3) == 0);
    for (int i = 0; i < 5 + level && i < MONSTERS; i++) {
        struct monster m = {.kind = random_below(level + 1)};
        do somewhere(&m.y, &m.x);
        while (room_at(m.y, m.x) == room_at(y, x));
        m.hits = kinds[m.kind].hits;
        monsters[i] = m;
    }
}

static int visible(int my, int mx) {
    const struct room *here = room_at(y, x);
    if (abs(my - y) <= 1 && abs(mx - x) <= 1) return 1;
    return here && my >= here->y - 1 && my <= here->y + here->height && mx >= here->x - 1 &&
           mx <= here->x + here->width;
}

static int walkable(int my, int mx) {
    return my >= 0 && my < HEIGHT && mx >= 0 && mx < WIDTH && !strchr(" -|", map[my][mx]);
}

static void hit(struct monster *m) {
    if (random_below(8) == 0) {
        say("You miss the %s. ", kinds[m->kind].name);
        return;
    }
    m->hits -= between(1, weapon + 1);
    m->awake = 1;
    if (m->hits > 0) {
        say("You hit the %s. ", kinds[m->kind].name);
    } else {
        say("You kill the %s. ", kinds[m->kind].name);
        gold += kinds[m->kind].worth;
        kills++;
    }
}

static void pick_up(void) {
    char *here = &map[y][x];
    int found;
    switch (*here) {
    case '$':
        found = between(2, 8 * level);
        gold += found;
        say("%d gold. ", found);
        break;
    case '!': potions++, say("A potion: d drinks it. "); break;
    case ')': weapon += 2, say("A better sword. "); break;
    case '"': won = 1, say("The amulet is yours! "); break;
    case '>': say("Stairs: > goes down. "); return;
    default: return;
    }
    *here = '.';
}

static void monsters_move(void) {
    for (struct monster *m = monsters; m < monsters + MONSTERS; m++) {
        if (m->hits <= 0) continue;
        if (visible(m->y, m->x)) m->awake = 1;
        if (!m->awake) continue;
        int dy = (y > m->y) - (y < m->y), dx = (x > m->x) - (x < m->x);
        if (abs(y - m->y) <= 1 && abs(x - m->x) <= 1) {
            if (random_below(3) == 0) continue;
            hits -= between(1, kinds[m->kind].hurts);
            say("The %s hurts you. ", kinds[m->kind].name);
            if (hits <= 0) dead = 1;
            continue;
        }
        const int ways[3][2] = {{dy, dx}, {dy, 0}, {0, dx}};
        for (int i = 0; i < 3; i++) {
            int ny = m->y + ways[i][0], nx = m->x + ways[i][1];
            if (!walkable(ny, nx) || monster_at(ny, nx)) continue;
            m->y = ny, m->x = nx;
            break;
        }
    }
}

// What a key does; 0 when it takes no time.
static int act(int k) {
    static const char directions[] = "hjklyubn";
    static const int dys[] = {0, 1, -1, 0, -1, -1, 1, 1}, dxs[] = {-1, 0, 0, 1, -1, 1, -1, 1};
    if (k >= UP && k <= RIGHT) k = "kjhl"[k - UP];
    const char *way = k > 0 && k < 128 ? strchr(directions, k) : NULL;
    if (way) {
        int ny = y + dys[way - directions], nx = x + dxs[way - directions];
        struct monster *m = monster_at(ny, nx);
        if (m) {
            hit(m);
            return 1;
        }
        if (!walkable(ny, nx)) return 0;
        y = ny, x = nx;
        pick_up();
        return 1;
    }
    if (k == 's') return 1;
    if (k == 'd' && potions) {
        potions--;
        hits = hits + 12 > FULL ? FULL : hits + 12;
        say("You feel better. ");
        return 1;
    }
    if (k == '>' && map[y][x] == '>') new_level(), say("Level %d. ", level);
    return 0;
}

static void draw(void) {
    clear();
    text(0, 0, WHITE, "%.79s", message);
    message[0] = 0;
    for (int j = 0; j < HEIGHT; j++)
        for (int k = 0; k < WIDTH; k++) {
            if (visible(j, k)) seen[j][k] = 1;
            if (!seen[j][k]) continue;
            char c = map[j][k];
            const struct monster *m = visible(j, k) ? monster_at(j, k) : NULL;
            if (m) put(TOP + j, k, kinds[m->kind].letter, RED);
            else put(TOP + j, k, c, strchr("$!)>\"", c) && c ? YELLOW : c == '#' ? PLAIN : CYAN);
        }
    put(TOP + y, x, '@', WHITE);
    text(ROWS - 2, 0, PLAIN, "level %d  hits %d(%d)  sword +%d  potions %d  gold %d  turn %d", level,
         hits > 0 ? hits : 0, FULL, weapon, potions, gold, turn);
    text(ROWS - 1, 0, PLAIN, "%s",
         dead  ? "You are dead. q ends"
         : won ? "You have won. q ends"
               : "arrows or hjklyubn move and fight, s rests, d drinks, > goes down, q ends");
    show();
}

int main(int argc, char **argv) {
    options(argc, argv);
    terminal_open();
    new_level();
    say("The amulet is five levels below the town. ");
    for (int k = 0; k != 'q' && k != QUIT; k = key()) {
        if (!dead && !won && act(k)) {
            monsters_move();
            if (++turn % 12 == 0 && hits < FULL && !dead) hits++;
        }
        draw();
    }
    terminal_close();
    printf("%s on level %d: gold %d, kills %d, turns %d\n",
           won ? "won" : dead ? "dead" : "left", level, gold, kills, turn);
    return 0;
}
