// A backtracking regular-expression matcher: . * + ? ^ $ classes, and where the match lies.
#include <stdio.h>
#include <string.h>

static unsigned long tries;

// The length of one element (a character, '.', an escape or a class) of the pattern.
static int element(const char *re) {
    if (*re == '\\') return 2;
    if (*re != '[') return 1;
    int n = 1 + (re[1] == '^');
    while (re[n] && re[n] != ']') n++;
    return n + 1;
}

static int fits(const char *re, char c) {
    if (!c) return 0;
    if (*re == '.') return 1;
    if (*re == '\\') return re[1] == 'd' ? c >= '0' && c <= '9' : re[1] == c;
    if (*re != '[') return *re == c;
    int negated = re[1] == '^', in = 0;
    for (re += 1 + negated; *re != ']'; re++)
        if (re[1] == '-' && re[2] != ']') {
            in |= c >= re[0] && c <= re[2];
            re += 2;
        } else {
            in |= *re == c;
        }
    return in != negated;
}

static const char *here(const char *re, const char *s) {
    tries++;
    if (!*re) return s;
    if (*re == '$' && !re[1]) return *s ? NULL : s;
    int n = element(re);
    char op = re[n];
    if (op == '*' || op == '+' || op == '?') {
        int most = op == '?' ? 1 : 1 << 30, least = op == '+', count = 0;
        while (count < most && fits(re, s[count])) count++;
        for (; count >= least; count--) {
            const char *end = here(re + n + 1, s + count);
            if (end) return end;
        }
        return NULL;
    }
    return fits(re, *s) ? here(re + n, s + 1) : NULL;
}

static void match(const char *re, const char *s) {
    const char *end = NULL, *from = s;
    if (*re == '^') end = here(re + 1, s);
    else
        do end = here(re, from);
        while (!end && *from++);
    if (end) printf("/%s/ in '%s': %d '%.*s'\n", re, s, (int)(from - s), (int)(end - from), from);
    else printf("/%s/ in '%s': no\n", re, s);
}

int main(void) {
    match("abc", "xxabcxx");
    match("^a.c$", "abc");
    match("^a.c$", "abcd");
    match("a*b+c?", "xaaabbz");
    match("[a-z]+@[a-z]+\\.com", "mail ada@lovelace.com now");
    match("\\d+\\.\\d*", "pi is 3.14159");
    match("[^0-9 ]+$", "12 apples");
    match("x*", "aaa");
    match("a?a?a?a?a?a?a?a?a?a?aaaaaaaaaa", "aaaaaaaaaa");
    match("(.*)(.*)(.*)z", "no parentheses here");
    printf("tries %lu\n", tries);
    return 0;
}
