// Variable-length arrays and alloca: the stack pointer moves by amounts known only at run time.
#include <alloca.h>
#include <stdio.h>
#include <string.h>

static unsigned long triangle(int n) {
    unsigned long row[n + 1];
    memset(row, 0, sizeof row);
    row[0] = 1;
    for (int i = 1; i <= n; i++)
        for (int k = i; k > 0; k--) row[k] += row[k - 1];
    return row[n / 2];
}

static int palindrome(const char *s) {
    size_t n = strlen(s);
    char *copy = alloca(n + 1);
    for (size_t i = 0; i < n; i++) copy[i] = s[n - 1 - i];
    copy[n] = 0;
    return !strcmp(copy, s);
}

static long nested(int depth) {
    int block[depth * 3];
    for (int i = 0; i < depth * 3; i++) block[i] = i * depth;
    long below = depth > 1 ? nested(depth - 1) : 0;
    for (int i = 0; i < depth * 3; i++) below += block[i];
    return below;
}

static double determinant(int n, double m[n][n]) {
    if (n == 1) return m[0][0];
    double total = 0, minor[n - 1][n - 1];
    for (int c = 0; c < n; c++) {
        for (int i = 1; i < n; i++)
            for (int j = 0, k = 0; j < n; j++)
                if (j != c) minor[i - 1][k++] = m[i][j];
        total += (c % 2 ? -1 : 1) * m[0][c] * determinant(n - 1, minor);
    }
    return total;
}

int main(void) {
    for (int n = 2; n <= 60; n += 29) printf("C(%d,%d) = %lu\n", n, n / 2, triangle(n));
    printf("%d %d\n", palindrome("saippuakivikauppias"), palindrome("machine"));
    printf("nested %ld\n", nested(40));
    double m[5][5];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) m[i][j] = (i * i * 3 + j * j * 5 + i * j * 2 + i) % 11 - 4;
    printf("determinant %g\n", determinant(5, m));
    return 0;
}
