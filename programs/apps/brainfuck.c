// Brainfuck: compiled to runs and jumps, then run.
//
//   brainfuck FILE | brainfuck -e CODE       `,` reads standard input; its end reads as 0
//   brainfuck                                code from the input up to a `!`, what follows is read
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 1 << 16 };  // the tape is a ring

struct op {
    char what;     // one of + > . , [ ] or 0 at the end
    int argument;  // how much to add or move, where to jump
};

static unsigned char tape[CELLS];

static int fail(const char *message) {
    fprintf(stderr, "brainfuck: %s\n", message);
    return 2;
}

static char *read_code(FILE *file, int until) {
    size_t room = 4096, n = 0;
    char *code = malloc(room);
    for (int c; code && (c = getc(file)) != EOF && c != until;) {
        code[n++] = (char)c;
        if (n == room) code = realloc(code, room *= 2);
    }
    if (code) code[n] = 0;
    return code;
}

// One operation for each run of + and -, and of > and <; brackets know their partners.
static struct op *compile(const char *code) {
    size_t length = strlen(code);
    struct op *ops = calloc(length + 1, sizeof *ops), *op = ops;
    int *open = calloc(length + 1, sizeof *open), depth = 0;
    if (!ops || !open) return NULL;
    for (; *code; code++) {
        int sign = *code == '+' || *code == '>' ? 1 : -1;
        char what = *code == '-' ? '+' : *code == '<' ? '>' : *code;
        if (!strchr("+>.,[]", what)) continue;  // all else is a comment
        if ((what == '+' || what == '>') && op > ops && op[-1].what == what) {
            op[-1].argument += sign;
            continue;
        }
        *op = (struct op){what, sign};
        if (what == '[') open[depth++] = (int)(op - ops);
        if (what == ']') {
            if (!depth) return NULL;
            op->argument = open[--depth];
            ops[op->argument].argument = (int)(op - ops);
        }
        op++;
    }
    free(open);
    return depth ? NULL : ops;
}

static void run(const struct op *ops) {
    unsigned at = 0;
    for (const struct op *op = ops; op->what; op++) {
        unsigned char *cell = tape + at;
        switch (op->what) {
        case '+': *cell = (unsigned char)(*cell + op->argument); break;
        case '>': at = (at + (unsigned)op->argument) % CELLS; break;
        case '[': if (!*cell) op = ops + op->argument; break;
        case ']': if (*cell) op = ops + op->argument; break;
        case '.': putchar(*cell); break;
        case ',': {
            int c = getchar();
            *cell = (unsigned char)(c == EOF ? 0 : c);
        }
        }
    }
}

int main(int argc, char **argv) {
    char *code;
    if (argc == 3 && !strcmp(argv[1], "-e")) {
        code = argv[2];
    } else if (argc <= 2) {
        FILE *file = argc == 2 ? fopen(argv[1], "r") : stdin;
        if (!file) return fail(strerror(errno));
        code = read_code(file, argc == 2 ? EOF : '!');
    } else {
        return fail("usage: brainfuck [FILE | -e CODE]");
    }
    struct op *ops = code ? compile(code) : NULL;
    if (!ops) return fail("a bracket has no partner");
    run(ops);
    return 0;
}
