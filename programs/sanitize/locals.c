// One overflow from a local variable into its neighbour, named by argv[1]; without it, none.
// cflags: -g -fno-builtin -Wno-all
#include <string.h>

struct pair {
    char name[8];
    int count;
};

static volatile int sink;

__attribute__((noinline)) static void by_index(int count)
{
    char first[16], second[16];
    for (int i = 0; i < 16; i++) first[i] = second[i] = 0;
    for (int i = 0; i < count; i++) second[i] = 'A';
    sink = first[0];
}

__attribute__((noinline)) static void backwards(int last)
{
    int low[4] = {0}, high[4] = {0};
    for (int i = 3; i >= last; i--) high[i] = i;
    for (int i = 3; i >= 0; i--) low[i] = i;
    sink = low[0] + high[0];
}

__attribute__((noinline)) static void by_pointer(int count)
{
    long key = 5;
    char text[12];
    char *to = text;
    while (count--) *to++ = 'B';
    sink = (int)key + text[0];
}

__attribute__((noinline)) static void reads(int at)
{
    short table[6] = {1, 2, 3, 4, 5, 6};
    struct pair pair = {"a", 7};
    sink = table[at] + pair.count;
}

__attribute__((noinline)) static void inside(void)
{
    struct pair pairs[2] = {{"a", 1}, {"b", 2}};
    int scalar = 3, *to = &scalar;
    char *end = pairs[1].name + 8;
    for (int i = 0; i < 2; i++) pairs[i].name[i] = pairs[1 - i].name[0];
    for (char *p = end; p > pairs[1].name;) sink += *--p;
    *to += (int)strlen(pairs[0].name);
    sink += scalar;
}

int main(int argc, char **argv)
{
    const char *mistake = argc > 1 ? argv[1] : "none";
    by_index(strcmp(mistake, "after") ? 16 : 17);
    backwards(strcmp(mistake, "before") ? 0 : -1);
    by_pointer(strcmp(mistake, "pointer") ? 12 : 13);
    reads(strcmp(mistake, "read") ? 5 : 7);
    inside();
    return 0;
}
