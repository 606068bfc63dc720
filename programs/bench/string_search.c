// Searching argv[1] bytes of text for several words, by hand and by strstr and memchr.
// args: 2000
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t plain(const char *text, size_t n, const char *word) {
    size_t m = strlen(word), found = 0;
    for (size_t i = 0; i + m <= n; i++) {
        size_t k = 0;
        while (k < m && text[i + k] == word[k]) k++;
        found += k == m;
    }
    return found;
}

int main(int argc, char **argv) {
    static const char *const words[] = {"state", "machine", "tree ", "e f", "never there"};
    static const char *const parts[] = {"the ", "state ", "of a ", "machine ", "is a ", "tree ", "for ", "us "};
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000, at = 0, letters = 0;
    char *text = malloc(n + 16);
    if (!text) return 1;
    unsigned state = 11;
    while (at < n) {
        state = state * 1103515245 + 12345;
        const char *part = parts[state >> 20 & 7];
        size_t m = strlen(part);
        memcpy(text + at, part, m);
        at += m;
    }
    text[n] = 0;
    for (int i = 0; i < 5; i++) {
        size_t library = 0;
        for (const char *p = text; (p = strstr(p, words[i])); p++) library++;
        printf("%s: %zu %zu\n", words[i], plain(text, n, words[i]), library);
    }
    for (const char *p = text; (p = memchr(p, 'e', (size_t)(text + n - p))); p++) letters++;
    printf("%zu bytes, %zu letters e\n", n, letters);
    free(text);
    return 0;
}
