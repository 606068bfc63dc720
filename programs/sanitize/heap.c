// One mistake with memory, named by argv[1]; without it, the same work done right.
// cflags: -g -fno-omit-frame-pointer -fno-builtin -Wno-all
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *volatile kept;

__attribute__((noinline)) static char *make(size_t size)
{
    char *fresh = malloc(size);
    return fresh;
}

__attribute__((noinline)) static void drop(char *block) { free(block); }

__attribute__((noinline)) static void leave_local(void)
{
    char local[64];
    memset(local, 1, sizeof local);
    kept = local;
}

__attribute__((noinline)) static void smash(int count)
{
    volatile char local[16];
    for (int i = 0; i < count; i++) local[i] = 'A';
}

__attribute__((noinline)) static int unset(int set)
{
    volatile int values[4];
    if (set) values[2] = 7;
    return values[2] > 3;
}

int main(int argc, char **argv)
{
    const char *mistake = argc > 1 ? argv[1] : "none";
    char *a = make(24), *b = make(100);
    memset(a, 'a', 24);
    memset(b, 'b', 100);
    a = realloc(a, 40);
    a[39] = 'z';
    int *zeros = calloc(10, sizeof *zeros);
    if (zeros[3]) return 1;
    int seen = strlen("the same work") == 13 && unset(1);
    char text[32];
    snprintf(text, sizeof text, "%d %s %p", seen, "text", (void *)0);
    puts(text);
    smash(16);
    leave_local();

    if (!strcmp(mistake, "write-after")) b[100] = 1;
    if (!strcmp(mistake, "write-before")) b[-1] = 1;
    if (!strcmp(mistake, "read-after")) kept = (char *)(long)b[103];
    if (!strcmp(mistake, "copy-after")) memcpy(b + 90, text, 16);
    if (!strcmp(mistake, "read-call")) read(0, b, 101);
    if (!strcmp(mistake, "unset-heap") && make(8)[3] > 3) puts("yes");
    if (!strcmp(mistake, "unset-stack") && unset(0)) puts("yes");
    if (!strcmp(mistake, "unset-write")) write(1, make(8), 8);
    if (!strcmp(mistake, "gone-frame")) ((volatile char *)kept)[8] = 1;
    if (!strcmp(mistake, "smash")) smash(40);
    if (!strcmp(mistake, "free-inside")) free(b + 16);
    drop(b);
    char *other = make(100);
    memset(other, 'c', 100);
    if (!strcmp(mistake, "use-freed")) kept = (char *)(long)b[50];
    if (!strcmp(mistake, "free-twice")) drop(b);
    drop(other);
    free(zeros);
    drop(a);
    return 0;
}
