// Boyer-Moore-Horspool with a skip table: matches and how few characters it looks at.
#include <stdio.h>
#include <string.h>

static unsigned looks;

static int search(const unsigned char *text, int n, const char *pattern) {
    int skip[256], m = (int)strlen(pattern), found = 0;
    for (int c = 0; c < 256; c++) skip[c] = m;
    for (int i = 0; i < m - 1; i++) skip[(unsigned char)pattern[i]] = m - 1 - i;
    for (int at = 0; at + m <= n; at += skip[text[at + m - 1]]) {
        int k = m - 1;
        while (looks++, k >= 0 && text[at + k] == (unsigned char)pattern[k]) k--;
        found += k < 0;
    }
    return found;
}

int main(void) {
    static unsigned char text[6000];
    static const char *const words[] = {"exact ", "machine ", "written ", "as ", "functions ", "of ",
                                        "state ", "and "};
    unsigned s = 5;
    int n = 0;
    while (n < 5900) {
        s = s * 1103515245 + 12345;
        const char *w = words[s >> 16 & 7];
        memcpy(text + n, w, strlen(w));
        n += (int)strlen(w);
    }
    static const char *const patterns[] = {"machine", "functions of state", "as as", "x", "absent"};
    for (int i = 0; i < 5; i++) {
        looks = 0;
        int found = search(text, n, patterns[i]);
        printf("%s: %d found, %u looks in %d\n", patterns[i], found, looks, n);
    }
    return 0;
}
