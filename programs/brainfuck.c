// A brainfuck interpreter with a jump table running five programs.
#include <stdio.h>
#include <string.h>

static unsigned char tape[1000];
static int target[1000];
static unsigned long steps;

static int run(const char *code, const char *input) {
    int stack[64], depth = 0, n = (int)strlen(code), at = 0;
    for (int i = 0; i < n; i++) {
        if (code[i] == '[') stack[depth++] = i;
        if (code[i] == ']') {
            if (depth == 0) return -1;
            target[i] = stack[--depth];
            target[target[i]] = i;
        }
    }
    if (depth) return -1;
    memset(tape, 0, sizeof tape);
    for (int pc = 0; pc < n; pc++, steps++) switch (code[pc]) {
        case '>': at++; break;
        case '<': at--; break;
        case '+': tape[at]++; break;
        case '-': tape[at]--; break;
        case '.': putchar(tape[at]); break;
        case ',': tape[at] = (unsigned char)(*input ? *input++ : 0); break;
        case '[': if (!tape[at]) pc = target[pc]; break;
        case ']': if (tape[at]) pc = target[pc]; break;
        }
    return at;
}

int main(void) {
    // 64 by a product, then 26 letters after it.
    run("++++++++[>++++++++<-]++++++++++++++++++++++++++[>+.<-]", "");
    putchar('\n');
    run(",[>,]<[.<]", "sdrawkcab");
    putchar('\n');
    run(",[+++.,]", "caesar");
    putchar('\n');
    // A triangle: star, newline, rows left, row, two copies.
    run("++++++[>+++++++<-]>[<+>-]++++++++++>+++++++"
        "[>+[>+>+<<-]>[<+>-]>[<<<<<.>>>>>-]<<<<.>-]", "");
    int at = run("++++++++[>++++++++[>++++++++[>++++++++<-]<-]<-]>>>+++", "");
    printf("cell %d holds %d\n", at, tape[at]);
    printf("unbalanced %d %d, steps %lu\n", run("[[]", ""), run("]", ""), steps);
    return 0;
}
