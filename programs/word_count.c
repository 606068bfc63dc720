// Counts lines, words, characters and word frequencies of standard input.
// stdin: the state of the machine is the tree\nand the clock is the function of the tree\n\ttabs  and   spaces\nno newline at the end
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    char text[24];
    int count;
} entry[100];
static int entries;

static int order(const void *a, const void *b) {
    const __typeof__(entry[0]) *p = a, *q = b;
    return p->count != q->count ? q->count - p->count : strcmp(p->text, q->text);
}

static void count(const char *w) {
    int i = 0;
    while (i < entries && strcmp(entry[i].text, w)) i++;
    if (i == entries) strcpy(entry[entries++].text, w);
    entry[i].count++;
}

int main(void) {
    char buffer[37], word[24];
    int lines = 0, words = 0, bytes = 0, n = 0;
    // Small reads: words lie across their ends.
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stdin)) > 0;)
        for (size_t i = 0; i < got; i++) {
            char c = buffer[i];
            bytes++;
            lines += c == '\n';
            if (!isspace((unsigned char)c)) {
                word[n++] = c;
            } else if (n) {
                word[n] = 0;
                count(word);
                words++;
                n = 0;
            }
        }
    if (n) word[n] = 0, count(word), words++;
    printf("%d lines %d words %d bytes %d distinct\n", lines, words, bytes, entries);
    qsort(entry, (size_t)entries, sizeof *entry, order);
    for (int i = 0; i < 6; i++) printf("%d %s\n", entry[i].count, entry[i].text);
    return 0;
}
