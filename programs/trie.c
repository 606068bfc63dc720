// A trie in an array: insert the words of the input, count prefixes, list them in order.
// stdin: tree trie tried tries tray state stare star function fun funnel machine mach one on\n
#include <stdio.h>
#include <string.h>

static struct {
    short child[26];
    short words, below;
} node[200];
static int nodes = 1;

static void insert(const char *w) {
    int n = 0;
    for (; *w; w++) {
        short *next = &node[n].child[*w - 'a'];
        node[n].below++;
        if (!*next) *next = (short)nodes++;
        n = *next;
    }
    node[n].below++;
    node[n].words++;
}

static int prefix(const char *w) {
    int n = 0;
    for (; *w; w++)
        if (!(n = node[n].child[*w - 'a'])) return 0;
    return node[n].below;
}

static void list(int n, char *word, int depth) {
    if (node[n].words) printf("%.*s ", depth, word);
    for (int c = 0; c < 26; c++)
        if (node[n].child[c]) {
            word[depth] = (char)('a' + c);
            list(node[n].child[c], word, depth + 1);
        }
}

int main(void) {
    char word[32];
    while (scanf("%31s", word) == 1) insert(word);
    printf("nodes %d tr %d fun %d s %d z %d\n", nodes, prefix("tr"), prefix("fun"), prefix("s"), prefix("z"));
    list(0, word, 0);
    printf("\n");
    return 0;
}
