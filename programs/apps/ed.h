// What ed's commands work on: the lines, their addresses, patterns, input, and one undo.
#ifndef ED_H
#define ED_H

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 4096, MOST = 1 << 15 };

// Lines 1 to `last`.  Their text is never changed or freed: a new text is a new string, so a mark
// and an undo keep pointers alone.
static char *lines[MOST + 1], *kept[MOST + 1], *names[26];
static char marked[MOST + 1];
static int last, current, kept_last = -1, kept_current, changed;
static int quiet, verbose, prompt, failed, in_global;
static char file_name[LINE];
static const char *problem = "";
static regex_t pattern;

static int fail(const char *message) {
    problem = message;
    return 0;
}

static char *get_line(void) {
    static char *line;
    static size_t room;
    ssize_t n = getline(&line, &room, stdin);
    if (n > 0 && line[n - 1] == '\n') line[n - 1] = 0;
    return n < 0 ? NULL : line;
}

static void insert(int after, const char *line) {
    if (last == MOST) {
        fprintf(stderr, "ed: more than %d lines\n", MOST);
        exit(1);
    }
    memmove(lines + after + 2, lines + after + 1, (size_t)(last - after) * sizeof *lines);
    memmove(marked + after + 2, marked + after + 1, (size_t)(last - after));
    lines[after + 1] = strdup(line);
    marked[after + 1] = 0;
    last++, changed++;
}

static void delete(int from, int to) {
    memmove(lines + from, lines + to + 1, (size_t)(last - to) * sizeof *lines);
    memmove(marked + from, marked + to + 1, (size_t)(last - to));
    last -= to - from + 1;
    changed++;
}

static void set_line(int i, const char *line) {
    lines[i] = strdup(line);
    changed++;
}

static void keep_for_undo(void) {
    memcpy(kept, lines, sizeof lines);
    kept_last = last, kept_current = current;
}

// Exchanges the lines with those kept: undoing twice is redoing.
static int undo(void) {
    if (kept_last < 0) return fail("nothing to undo");
    for (int i = 1; i <= MOST; i++) {
        char *line = lines[i];
        lines[i] = kept[i], kept[i] = line;
    }
    int l = last, c = current;
    last = kept_last, kept_last = l;
    current = kept_current, kept_current = c;
    changed++;
    return 1;
}

struct text {
    char *data;
    size_t size, room;
};

static void add(struct text *t, const char *data, size_t size) {
    if (!t->data || t->size + size > t->room) {
        t->room = 2 * (t->size + size) + 1;
        t->data = realloc(t->data, t->room);
        if (!t->data) exit(1);
    }
    memcpy(t->data + t->size, data, size);
    t->size += size;
}

// Copies up to the delimiter, which a backslash may take away; whether it was there.
static int delimited(char **rest, char delimiter, char *out) {
    char *p = *rest;
    for (; *p && *p != delimiter; *out++ = *p++) {
        if (*p != '\\' || !p[1]) continue;
        if (p[1] != delimiter) *out++ = *p;
        p++;
    }
    *out = 0;
    *rest = p + (*p != 0);
    return p[0] == delimiter && delimiter;
}

// /re/: compiles it; an empty one is the one before.
static int parse_pattern(char **rest) {
    static int known;
    char text[LINE], delimiter = **rest;
    if (!delimiter || delimiter == ' ') return fail("invalid pattern delimiter");
    ++*rest;
    delimited(rest, delimiter, text);
    if (!*text) return known || fail("no previous pattern");
    if (known) regfree(&pattern);
    known = !regcomp(&pattern, text, 0);
    return known || fail("invalid pattern");
}

static int matches(int i) { return !regexec(&pattern, lines[i], 0, NULL, 0); }

// The next line that matches, around the end; -1 if none does.
static int search(char **rest) {
    int step = **rest == '/' ? 1 : -1;
    if (!parse_pattern(rest)) return -1;
    for (int n = 1; n <= last; n++) {
        int i = (current + step * n - 1 + 2 * last) % last + 1;
        if (matches(i)) return i;
    }
    fail("no match");
    return -1;
}

// One address, with the offsets after it: 1 if there was one, 0 if not, -1 if it is wrong.
static int address(char **rest, int *value) {
    int given = 1, line = current;
    *rest += strspn(*rest, " \t");
    if (isdigit((unsigned char)**rest)) line = (int)strtol(*rest, rest, 10);
    else if (**rest == '.') ++*rest;
    else if (**rest == '$') line = last, ++*rest;
    else if (**rest == '/' || **rest == '?') line = search(rest);
    else if (**rest == '\'') {
        char *name = islower((unsigned char)(*rest)[1]) ? names[(*rest)[1] - 'a'] : NULL;
        for (line = last; line && lines[line] != name;) line--;
        if (!name || !line) line = fail("invalid address") - 1;
        else *rest += 2;
    } else given = 0;
    if (line < 0) return -1;
    while (**rest && strchr("+- \t", **rest)) {
        char sign = *(*rest)++;
        if (isspace((unsigned char)sign)) continue;
        given = 1;
        int count = isdigit((unsigned char)**rest) ? (int)strtol(*rest, rest, 10) : 1;
        line += sign == '+' ? count : -count;
    }
    if (line < 0 || line > last) return fail("invalid address") - 1;
    if (given) *value = line;
    return given;
}

// The lines a command is for, and whether they were given: -1 when they are wrong.
static int range(char **rest, int *from, int *to) {
    *from = *to = current;
    int first = address(rest, from);
    *to = *from;
    if (first < 0 || !**rest || !strchr(",;%", **rest)) return first;
    if (!first) *from = **rest == ';' ? current : last ? 1 : 0;
    if (**rest == ';' && first) current = *from;
    ++*rest;
    int second = address(rest, to);
    if (!second) *to = first ? *from : last;
    return second < 0 ? -1 : 1;
}

#endif
