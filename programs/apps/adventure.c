// A text adventure: the lamp of the lighthouse is out, and a ship is coming.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { NOWHERE = -1, CARRIED = -2, GONE = -3 };
enum { NO_WAY, BEACH, PATH, DOOR, HALL, KITCHEN, CELLAR, STAIRS, LAMP_ROOM, ROOMS };
enum { NORTH, SOUTH, EAST, WEST, UPWARD, DOWNWARD, DIRECTIONS };
enum { KEY, LANTERN, MATCHES, OIL, BOOK, BOTTLE, ITEMS };

static const char *const direction_names[DIRECTIONS] = {"north", "south", "east",
                                                        "west",  "up",    "down"};

static const struct {
    const char *name, *description;
    int exits[DIRECTIONS];
} rooms[ROOMS] = {
    [BEACH] = {"Beach", "Grey waves break on the shingle. A rowing boat lies on its side. A path "
                        "climbs north.", {[NORTH] = PATH}},
    [PATH] = {"Cliff path", "Wind pulls at the heather. The lighthouse stands to the north, dark, "
                            "which it never is at dusk.", {[NORTH] = DOOR, [SOUTH] = BEACH}},
    [DOOR] = {"At the door", "A heavy oak door in a white wall. A mat, very old.",
              {[NORTH] = HALL, [SOUTH] = PATH}},
    [HALL] = {"Hall", "The keeper's coat hangs here; the keeper does not. The kitchen is east, an "
                      "iron stair goes up, a trap door leads down.",
              {[SOUTH] = DOOR, [EAST] = KITCHEN, [UPWARD] = STAIRS, [DOWNWARD] = CELLAR}},
    [KITCHEN] = {"Kitchen", "A cold stove, a table, a half-eaten breakfast.", {[WEST] = HALL}},
    [CELLAR] = {"Cellar", "Barrels, all but one dry, and the smell of whale oil.",
                {[UPWARD] = HALL}},
    [STAIRS] = {"Iron stair", "Ninety-one steps, and a window at each tenth. Far out, one small "
                              "light moves towards the rocks.",
                {[UPWARD] = LAMP_ROOM, [DOWNWARD] = HALL}},
    [LAMP_ROOM] = {"Lamp room", "Glass all around, and in the middle the great lamp, its tank "
                                "empty, its wick trimmed.", {[DOWNWARD] = STAIRS}},
};

static struct {
    const char *name, *called, *description;
    int place;
} items[ITEMS] = {
    [KEY] = {"key", "a key", "A brass key, green with salt.", NOWHERE},
    [LANTERN] = {"lantern", "a lantern", "A storm lantern with a little oil left.", BEACH},
    [MATCHES] = {"matches", "a box of matches", "Three matches. Two would have been enough.", KITCHEN},
    [OIL] = {"oil", "a can of oil", "A can of whale oil.", CELLAR},
    [BOOK] = {"logbook", "a logbook", "The last line says: 'Oil is low. Gone to fetch more by boat. If I am not "
                         "back by dusk, the lamp must be lit.'", KITCHEN},
    [BOTTLE] = {"bottle", "a bottle", "A bottle from the sea. It says: 'Look under what you stand on.'", BEACH},
};

static int here = BEACH, unlocked, lantern_lit, tank_full, turns, finished, visited[ROOMS];
static const int last_turn = 60;

static int dark(void) {
    int lit = lantern_lit && (items[LANTERN].place == CARRIED || items[LANTERN].place == here);
    return here == CELLAR && !lit;
}

static int at_hand(int item) {
    return items[item].place == CARRIED || (items[item].place == here && !dark());
}

static void look(void) {
    printf("\n%s\n", rooms[here].name);
    if (dark()) {
        printf("It is pitch dark.\n");
        return;
    }
    printf("%s\n", rooms[here].description);
    for (int i = 0; i < ITEMS; i++)
        if (items[i].place == here) printf("There is %s here.\n", items[i].called);
    visited[here] = 1;
}

static int score(void) {
    int rooms_seen = 0;
    for (int i = 0; i < ROOMS; i++) rooms_seen += visited[i];
    return 5 * rooms_seen + 10 * unlocked + 10 * lantern_lit + 10 * tank_full + 30 * (finished == 1);
}

static void go(int direction) {
    int to = rooms[here].exits[direction];
    if (!to) printf("You cannot go that way.\n");
    else if (here == DOOR && direction == NORTH && !unlocked) printf("The door is locked.\n");
    else here = to, look();
}

static void take(int item) {
    if (item < 0 || !at_hand(item)) printf("You see no such thing.\n");
    else if (items[item].place == CARRIED) printf("You have it.\n");
    else items[item].place = CARRIED, printf("Taken.\n");
}

static void drop(int item) {
    if (item < 0 || items[item].place != CARRIED) printf("You do not have that.\n");
    else items[item].place = here, printf("Dropped.\n");
}

static void examine(const char *word, int item) {
    if (item >= 0 && at_hand(item)) printf("%s\n", items[item].description);
    else if (here == DOOR && !strcmp(word, "mat")) {
        if (items[KEY].place != NOWHERE) printf("Just a mat.\n");
        else items[KEY].place = DOOR, printf("Under the mat is a key.\n");
    } else if (here == LAMP_ROOM && !strcmp(word, "lamp"))
        printf(tank_full ? "Its tank is full.\n" : "It needs oil, and a flame.\n");
    else printf("You see nothing special.\n");
}

static void open_door(void) {
    if (here != DOOR) printf("There is nothing to open.\n");
    else if (unlocked) printf("It is open.\n");
    else if (items[KEY].place != CARRIED) printf("It is locked, and you have no key.\n");
    else unlocked = 1, printf("The key turns, with a shriek.\n");
}

static void light(const char *word) {
    int lamp = !strcmp(word, "lamp") && here == LAMP_ROOM;
    if (items[MATCHES].place != CARRIED) {
        printf("You have nothing to light it with.\n");
    } else if (lamp) {
        if (!tank_full) {
            printf("The wick glows and dies. There is no oil.\n");
            return;
        }
        finished = 1;
        printf("The great lamp catches. Far out, the small light turns away from the rocks.\n");
    } else if (!strcmp(word, "lantern") && at_hand(LANTERN)) {
        lantern_lit = 1;
        printf("A small warm light.\n");
    } else {
        printf("You cannot light that here.\n");
    }
}

static void pour(void) {
    if (items[OIL].place != CARRIED) printf("You have nothing to pour.\n");
    else if (here != LAMP_ROOM) printf("It would be a waste.\n");
    else items[OIL].place = GONE, tank_full = 1, printf("The oil gurgles into the tank.\n");
}

static void inventory(void) {
    int n = 0;
    for (int i = 0; i < ITEMS; i++)
        if (items[i].place == CARRIED) printf("%s%s", n++ ? ", " : "You have ", items[i].called);
    puts(n ? "." : "You have nothing.");
}

static int item_named(const char *word) {
    for (int i = 0; i < ITEMS; i++)
        if (!strcmp(word, items[i].name)) return i;
    return !strcmp(word, "book") ? BOOK : -1;
}

static int is(const char *word, const char *names) {
    size_t n = strlen(word);
    for (const char *p = names; n && (p = strstr(p, word)); p++)
        if ((p == names || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return 1;
    return 0;
}

static void command(char *line) {
    char *words[3] = {"", "", ""};
    int count = 0;
    for (char *p = line; *p; p++) *p = (char)tolower((unsigned char)*p);
    for (char *w = strtok(line, " \t\n"); w; w = strtok(NULL, " \t\n"))
        if (!is(w, "the a at to under go with in into") && count < 3) words[count++] = w;
    const char *verb = words[0], *noun = words[1];
    int item = item_named(noun);
    if (!count) return;
    turns++;
    for (int d = 0; d < DIRECTIONS; d++)
        if (!strcmp(verb, direction_names[d]) || (verb[0] == direction_names[d][0] && !verb[1])) {
            go(d);
            return;
        }
    if (is(verb, "look l examine x read search") && *noun) examine(noun, item);
    else if (is(verb, "look l")) look();
    else if (is(verb, "take get pick")) take(item);
    else if (is(verb, "drop put")) drop(item);
    else if (is(verb, "open unlock")) open_door();
    else if (is(verb, "light")) light(noun);
    else if (is(verb, "pour fill")) pour();
    else if (is(verb, "inventory i")) inventory();
    else if (is(verb, "score")) printf("%d of 100 points.\n", score());
    else if (is(verb, "quit q")) finished = 2;
    else if (is(verb, "help"))
        printf("Try: north, up, look, take key, drop key, examine mat, open door, light lantern, "
               "pour oil, inventory, score, quit.\n");
    else turns--, printf("I do not know how to %s.\n", verb);
}

int main(void) {
    char line[128];
    printf("THE LIGHTHOUSE\nThe lamp is out, night falls, and the mail boat is due.\n");
    look();
    while (!finished) {
        printf("\n> ");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) break;
        command(line);
        if (!finished && turns == last_turn - 15) printf("\nIt is nearly night.\n");
        if (!finished && turns >= last_turn) {
            printf("\nA crash on the rocks, far out. You came too late.\n");
            finished = 2;
        }
    }
    printf("\n%d of 100 points in %d turns.\n", score(), turns);
    return 0;
}
