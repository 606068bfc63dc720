// Wraps standard input to a width given as the argument, then justifies it on both sides.
// args: 34
// stdin: A machine whose state is a tree and whose clock is a pure function can be run forward, run in batches, differentiated, and searched.\n\nNothing else  is   needed: the rest\nis what one does to functions.\n
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char word[100], line[200];
static int width, words, used;
static int lines;

static void flush(int justify) {
    if (!words) return;
    int gaps = words - 1, spare = width - used, gap = 0;
    for (char *p = line; *p; p++) {
        putchar(*p);
        if (*p == ' ' && justify && gaps) {
            int extra = spare * (gap + 1) / gaps - spare * gap / gaps;
            gap++;
            while (extra--) putchar(' ');
        }
    }
    putchar('\n');
    lines++;
    line[0] = 0;
    words = used = 0;
}

static void add(void) {
    int n = (int)strlen(word);
    if (!n) return;
    if (words && used + 1 + n > width) flush(1);
    if (words++) strcat(line, " "), used++;
    strcat(line, word);
    used += n;
    word[0] = 0;
}

int main(int argc, char **argv) {
    width = argc > 1 ? atoi(argv[1]) : 60;
    int c, newlines = 0, n = 0;
    while ((c = getchar()) != EOF) {
        if (c == '\n' && ++newlines == 2) {
            add();
            flush(0);
            putchar('\n');
        }
        if (c == ' ' || c == '\n') {
            add();
            n = 0;
        } else {
            newlines = 0;
            word[n++] = (char)c;
            word[n] = 0;
        }
    }
    add();
    flush(0);
    printf("%d lines of %d\n", lines, width);
    return 0;
}
