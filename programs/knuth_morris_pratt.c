// Knuth-Morris-Pratt: failure tables, overlapping matches, the period of a string.
#include <stdio.h>
#include <string.h>

static int failure[64];

static void prepare(const char *p, int m) {
    failure[0] = 0;
    for (int i = 1, k = 0; i < m; i++) {
        while (k && p[i] != p[k]) k = failure[k - 1];
        if (p[i] == p[k]) k++;
        failure[i] = k;
    }
}

static int search(const char *text, const char *p, int *first) {
    int m = (int)strlen(p), found = 0;
    *first = -1;
    prepare(p, m);
    for (int i = 0, k = 0; text[i]; i++) {
        while (k && text[i] != p[k]) k = failure[k - 1];
        if (text[i] == p[k]) k++;
        if (k == m) {
            if (found++ == 0) *first = i - m + 1;
            k = failure[k - 1];
        }
    }
    return found;
}

int main(void) {
    static char text[4096];
    // The Fibonacci word: as repetitive as a string without long powers can be.
    char *a = text;
    size_t n = 1, m = 2;
    strcpy(a, "ab");
    while (m + n < sizeof text) {
        memcpy(a + m, a, n);
        size_t next = m + n;
        n = m;
        m = next;
    }
    a[m] = 0;
    static const char *const patterns[] = {"a", "aa", "aba", "abaababa", "abaababaabaab", "bb", "babaab"};
    for (int i = 0; i < 7; i++) {
        int first, found = search(text, patterns[i], &first);
        char *plain = strstr(text, patterns[i]);
        printf("%s: %d from %d, strstr agrees %d\n", patterns[i], found, first,
               (plain ? (int)(plain - text) : -1) == first);
    }
    prepare("abcabcabcab", 11);
    printf("period %d\n", 11 - failure[10]);
    return 0;
}
