// A recursive-descent JSON parser: canonical printing, escapes, numbers, and error positions.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text, *at;
static int depth, deepest, failed;
static char out[1024];
static size_t used;

static void emit(const char *s, size_t n) {
    memcpy(out + used, s, n);
    out[used += n] = 0;
}

static void space(void) { while (isspace((unsigned char)*at)) at++; }

static int fail(void) { return failed = 1, 0; }

static int value(void);

static int string(void) {
    if (*at != '"') return fail();
    emit(at++, 1);
    for (; *at != '"'; at++) {
        if (!*at) return fail();
        if (*at == '\\') {
            char c = *++at;
            if (c == 'u') {
                char hex[5] = {0}, utf[3];
                for (int i = 0; i < 4; i++)
                    if (!isxdigit((unsigned char)(hex[i] = at[1 + i]))) return fail();
                unsigned v = (unsigned)strtoul(hex, NULL, 16);
                utf[0] = (char)(0xe0 | v >> 12), utf[1] = (char)(0x80 | (v >> 6 & 63)), utf[2] = (char)(0x80 | (v & 63));
                if (v < 0x80) emit(&(char){(char)v}, 1);
                else if (v < 0x800) utf[1] = (char)(0xc0 | v >> 6), emit(utf + 1, 2);
                else emit(utf, 3);
                at += 4;
            } else if (strchr("\"\\/bfnrt", c)) {
                emit(at - 1, 2);
            } else {
                return fail();
            }
        } else {
            emit(at, 1);
        }
    }
    emit(at++, 1);
    return 1;
}

static int series(char close, int pairs) {
    emit(at++, 1);
    if (++depth > deepest) deepest = depth;
    space();
    for (int first = 1; *at != close; first = 0) {
        if (!first) {
            if (*at != ',') return fail();
            emit(at++, 1);
            space();
        }
        if (pairs) {
            if (!string()) return 0;
            space();
            if (*at != ':') return fail();
            emit(at++, 1);
        }
        if (!value()) return 0;
        space();
    }
    emit(at++, 1);
    depth--;
    return 1;
}

static int value(void) {
    space();
    if (*at == '{') return series('}', 1);
    if (*at == '[') return series(']', 0);
    if (*at == '"') return string();
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++)
        if (!strncmp(at, words[i], strlen(words[i]))) {
            emit(words[i], strlen(words[i]));
            at += strlen(words[i]);
            return 1;
        }
    if (*at != '-' && !isdigit((unsigned char)*at)) return fail();
    char *end, number[32];
    double d = strtod(at, &end);
    emit(number, (size_t)snprintf(number, sizeof number, "%.15g", d));
    at = end;
    return 1;
}

int main(void) {
    static const char *const inputs[] = {
        "{\"name\": \"n\\u0063pu\", \"bits\" : 64, \"tags\":[ \"exact\", \"pure\" ], \"ok\":true}",
        "[1, -2.50, 3e2, 0.1, 1E-7, 123456789012]",
        "[[[[]],{}], {\"a\":{\"b\":[null,false]}}]",
        "\"\\u00e9\\u20ac \\n \\\" end\"",
        "[1, 2",
        "{\"a\" 1}",
        "[1,]",
        "\"\\x\"",
        "nul",
    };
    for (unsigned i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        text = at = inputs[i];
        used = 0;
        failed = depth = deepest = 0;
        int ok = value() && (space(), *at == 0);
        if (ok) printf("ok depth %d: %s\n", deepest, out);
        else printf("error at %d\n", (int)(at - text));
    }
    return 0;
}
