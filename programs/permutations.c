// Permutations by Heap's rule and in lexical order, with parity; combinations by bit twiddling.
#include <stdio.h>
#include <string.h>

static unsigned count, digest, even;
static char items[] = "abcdef";

static int parity(const char *s) {
    int swaps = 0;
    for (int i = 0; s[i]; i++)
        for (int j = i + 1; s[j]; j++) swaps += s[i] > s[j];
    return swaps & 1;
}

static void visit(void) {
    count++;
    even += !parity(items);
    for (char *p = items; *p; p++) digest = digest * 31 + (unsigned char)*p;
}

static void exchange(int i, int j) {
    char t = items[i];
    items[i] = items[j];
    items[j] = t;
}

static void heap(int n) {
    if (n == 1) {
        visit();
        return;
    }
    for (int i = 0; i < n; i++) {
        heap(n - 1);
        if (i < n - 1) exchange(n % 2 ? 0 : i, n - 1);
    }
}

static int next(void) {
    int n = (int)strlen(items), i = n - 2, j = n - 1;
    while (i >= 0 && items[i] >= items[i + 1]) i--;
    if (i < 0) return 0;
    while (items[j] <= items[i]) j--;
    exchange(i, j);
    for (i++, j = n - 1; i < j; i++, j--) exchange(i, j);
    return 1;
}

int main(void) {
    heap(6);
    printf("heap: %u even %u digest %08x\n", count, even, digest);
    strcpy(items, "aabbcd");
    count = digest = even = 0;
    do visit();
    while (next());
    printf("lexical with repeats: %u even %u digest %08x last %s\n", count, even, digest, items);
    count = digest = 0;
    for (unsigned v = 0x1f; v < 1u << 12;) {
        count++;
        digest = digest * 31 + v;
        unsigned low = v & -v, ripple = v + low;
        v = ripple | ((v ^ ripple) >> 2) / low;
    }
    printf("12 over 5: %u digest %08x\n", count, digest);
    return 0;
}
