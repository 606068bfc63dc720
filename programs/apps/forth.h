// The machine below Forth's words: stacks, memory, the dictionary, the line being read.
#ifndef FORTH_H
#define FORTH_H

#include <ctype.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef int64_t cell;
enum { STACK = 256, RETURNS = 256, SPACE = 1 << 14, WORDS = 1024, NAME = 32 };

// What a word does when it is run: a C function, or a body of cells for one of the kinds below.
struct word {
    char name[NAME];
    void (*code)(void);
    cell body;
    int immediate;
};

static struct word dictionary[WORDS];
static int words_known, compiling, defining = -1;
static cell memory[SPACE], here, stack[STACK], returns[RETURNS];
static int depth, returns_depth;
static cell ip, running;  // the next cell of the definition being run, the word being run
static char line[1024], *rest;
static FILE *input;
static jmp_buf restart;

__attribute__((noreturn)) static void fail(const char *word, const char *message) {
    fflush(stdout);
    printf("%s: %s\n", word, message);
    depth = returns_depth = compiling = 0;
    if (defining >= 0) words_known = defining;  // half a definition is forgotten
    defining = -1;
    rest = line + strlen(line);
    longjmp(restart, 1);
}

static void push(cell value) {
    if (depth == STACK) fail("stack", "is full");
    stack[depth++] = value;
}

static cell pop(void) {
    if (!depth) fail("stack", "is empty");
    return stack[--depth];
}

static void push_return(cell value) {
    if (returns_depth == RETURNS) fail("return stack", "is full");
    returns[returns_depth++] = value;
}

static cell pop_return(void) {
    if (!returns_depth) fail("return stack", "is empty");
    return returns[--returns_depth];
}

static cell *at(cell address) {
    if (address < 0 || address >= SPACE) fail("address", "is outside of memory");
    return memory + address;
}

static void comma(cell value) {
    *at(here) = value;
    here++;
}

static int find(const char *name) {
    for (int w = words_known; w--;)
        if (!strcasecmp(dictionary[w].name, name)) return w;
    return -1;
}

// The next word of the line, NULL at its end; another `until` than a blank takes all before it.
static char *parse(int until) {
    if (until == ' ')
        while (isspace((unsigned char)*rest)) rest++;
    if (!*rest) return NULL;
    char *start = rest;
    while (*rest && (until == ' ' ? !isspace((unsigned char)*rest) : *rest != until)) rest++;
    if (*rest) *rest++ = 0;
    return start;
}

static int define(const char *name, void (*code)(void), cell body) {
    if (!name || !*name) fail("name", "is missing");
    if (words_known == WORDS || strlen(name) >= NAME) fail(name, "does not fit the dictionary");
    struct word *w = &dictionary[words_known];
    strcpy(w->name, name);
    w->code = code, w->body = body, w->immediate = 0;
    return words_known++;
}

static void execute(cell w) {
    if (w < 0 || w >= words_known) fail("execute", "no such word");
    running = w;
    dictionary[w].code();
}

#endif
