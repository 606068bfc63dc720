// A tiny Forth: a data stack, a dictionary of compiled words, conditionals and loops.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER, CALL, RETURN, ADD, SUB, MUL, MOD, DUP, DROP, SWAP, OVER, LESS, PRINT, ZJUMP, JUMP, DO, LOOP, INDEX };

static const char *const primitive[] = {"", "", "", "+", "-", "*", "mod", "dup", "drop", "swap",
                                        "over", "<", ".", "", "", "", "", "i"};
static long code[500], stack[64], control[64];
static int here, sp, words, entry[32], compiling, fixups[16], depth;
static char name[32][12];

static void run(int pc) {
    long rs[256];
    int rp = 0, loops = 0;
    rs[rp++] = -1;
    while (pc >= 0) {
        long *t = stack + sp, u;
        switch (code[pc++]) {
        case NUMBER: stack[sp++] = code[pc++]; break;
        case CALL: rs[rp++] = pc + 1; pc = (int)code[pc]; break;
        case RETURN: pc = (int)rs[--rp]; break;
        case ADD: t[-2] += t[-1]; sp--; break;
        case SUB: t[-2] -= t[-1]; sp--; break;
        case MUL: t[-2] *= t[-1]; sp--; break;
        case MOD: t[-2] %= t[-1]; sp--; break;
        case DUP: t[0] = t[-1]; sp++; break;
        case DROP: sp--; break;
        case SWAP: u = t[-1]; t[-1] = t[-2]; t[-2] = u; break;
        case OVER: t[0] = t[-2]; sp++; break;
        case LESS: t[-2] = t[-2] < t[-1] ? -1 : 0; sp--; break;
        case PRINT: printf("%ld ", stack[--sp]); break;
        case ZJUMP: pc = stack[--sp] ? pc + 1 : (int)code[pc]; break;
        case JUMP: pc = (int)code[pc]; break;
        case DO: control[loops++] = t[-2]; control[loops++] = t[-1]; sp -= 2; break;
        case LOOP:
            if (++control[loops - 1] < control[loops - 2]) pc = (int)code[pc];
            else pc++, loops -= 2;
            break;
        case INDEX: stack[sp++] = control[loops - 1]; break;
        }
    }
}

static void compile(const char *w) {
    if (!strcmp(w, "if")) code[here++] = ZJUMP, fixups[depth++] = here++;
    else if (!strcmp(w, "else")) {
        code[here++] = JUMP;
        code[fixups[depth - 1]] = here + 1;
        fixups[depth - 1] = here++;
    } else if (!strcmp(w, "then")) code[fixups[--depth]] = here;
    else if (!strcmp(w, "do")) code[here++] = DO, fixups[depth++] = here;
    else if (!strcmp(w, "loop")) code[here++] = LOOP, code[here++] = fixups[--depth];
    else {
        for (int i = words; i-- > 0;)
            if (!strcmp(w, name[i])) {
                code[here++] = CALL;
                code[here++] = entry[i];
                return;
            }
        for (int i = ADD; i <= INDEX; i++)
            if (*primitive[i] && !strcmp(w, primitive[i])) {
                code[here++] = i;
                return;
            }
        code[here++] = NUMBER;
        code[here++] = strtol(w, NULL, 10);
    }
}

static void interpret(const char *source) {
    char text[256], *save;
    strcpy(text, source);
    for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (!strcmp(w, ":")) {
            strcpy(name[words], strtok_r(NULL, " ", &save));
            entry[words++] = here;
            compiling = 1;
        } else if (!strcmp(w, ";")) {
            code[here++] = RETURN;
            compiling = 0;
        } else if (compiling) {
            compile(w);
        } else {
            int start = here;
            compile(w);
            code[here++] = RETURN;
            run(start);
            here = start;
        }
    }
    printf("ok %d\n", sp);
}

int main(void) {
    interpret("1 2 + 3 * .");
    interpret(": square dup * ; 12 square .");
    interpret(": fib dup 2 < if else dup 1 - fib swap 2 - fib + then ; 15 fib .");
    interpret(": squares 10 0 do i square . loop ; squares");
    interpret(": gcd dup if swap over mod gcd else drop then ; 1071 462 gcd .");
    interpret(": table 4 1 do 4 1 do i . loop loop ; table");
    return 0;
}
