// Dynamic programs over two strings: edit distance, longest common subsequence, an alignment.
#include <stdio.h>
#include <string.h>

static int cost[64][64], common[64][64];

static int least(int a, int b, int c) { return a < b ? (a < c ? a : c) : b < c ? b : c; }

static void compare(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b);
    char script[128];
    int at = 0;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (!i || !j) {
                cost[i][j] = i + j;
                common[i][j] = 0;
                continue;
            }
            int same = a[i - 1] == b[j - 1];
            cost[i][j] = least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + !same);
            common[i][j] = same ? common[i - 1][j - 1] + 1
                           : common[i - 1][j] > common[i][j - 1] ? common[i - 1][j]
                                                                 : common[i][j - 1];
        }
    for (int i = n, j = m; i || j;) {
        if (i && j && cost[i][j] == cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])) {
            script[at++] = a[i - 1] == b[j - 1] ? '=' : '~';
            i--, j--;
        } else if (i && cost[i][j] == cost[i - 1][j] + 1) {
            script[at++] = '-', i--;
        } else {
            script[at++] = '+', j--;
        }
    }
    printf("%s / %s: distance %d common %d ", a, b, cost[n][m], common[n][m]);
    while (at) putchar(script[--at]);
    printf("\n");
}

int main(void) {
    compare("kitten", "sitting");
    compare("intention", "execution");
    compare("", "abc");
    compare("same", "same");
    compare("a machine of pure functions", "a function of pure machines");
    return 0;
}
