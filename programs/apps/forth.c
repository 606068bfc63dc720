// A Forth: a dictionary of words, two stacks, a compiler that is words too.
//
//   forth [FILE...]      files first, then standard input; `words` lists what there is, `bye` ends
#include "forth.h"

#include <errno.h>
#include <unistd.h>

// -- what compiled cells call --------------------------------------------------------------------

static void do_colon(void) {
    cell caller = ip;
    push_return(caller);
    ip = dictionary[running].body;
    int level = returns_depth;
    while (returns_depth >= level) {
        cell w = *at(ip);
        ip++;
        execute(w);
    }
}
static void do_exit(void) { ip = pop_return(); }
static void do_literal(void) { push(*at(ip)), ip++; }
static void do_value(void) { push(dictionary[running].body); }
static void do_branch(void) { ip = *at(ip); }
static void do_if(void) { ip = pop() ? ip + 1 : *at(ip); }
static void do_string(void) {
    cell length = *at(ip);
    for (ip++; length--; ip++) putchar((int)*at(ip));
}
static void do_do(void) {
    cell index = pop();
    push_return(pop());
    push_return(index);
}
static void do_loop_by(cell step) {
    cell index = pop_return() + step, limit = pop_return();
    if (step < 0 ? index < limit : index >= limit) {
        ip++;
        return;
    }
    push_return(limit), push_return(index);
    ip = *at(ip);
}
static void do_loop(void) { do_loop_by(1); }
static void do_plus_loop(void) { do_loop_by(pop()); }

// -- words of the language -----------------------------------------------------------------------

#define BINARY(name, expression)                                                      \
    static void name(void) {                                                          \
        cell b = pop(), a = pop();                                                    \
        push(expression);                                                             \
    }
#define TRUTH(condition) ((condition) ? -1 : 0)
BINARY(w_add, (cell)((uint64_t)a + (uint64_t)b))
BINARY(w_subtract, (cell)((uint64_t)a - (uint64_t)b))
BINARY(w_multiply, (cell)((uint64_t)a * (uint64_t)b))
BINARY(w_and, a & b)
BINARY(w_or, a | b)
BINARY(w_xor, a ^ b)
BINARY(w_left, (cell)((uint64_t)a << (b & 63)))
BINARY(w_right, (cell)((uint64_t)a >> (b & 63)))
BINARY(w_less, TRUTH(a < b))
BINARY(w_greater, TRUTH(a > b))
BINARY(w_equal, TRUTH(a == b))
BINARY(w_unequal, TRUTH(a != b))
BINARY(w_min, a < b ? a : b)
BINARY(w_max, a > b ? a : b)

// Floored, as most Forths: the remainder has the divisor's sign.
static void divide(cell a, cell b, cell *quotient, cell *remainder) {
    if (!b) fail("/", "division by zero");
    if (b == -1) {
        *quotient = (cell)(0 - (uint64_t)a), *remainder = 0;
        return;
    }
    *quotient = a / b, *remainder = a % b;
    if (*remainder && (*remainder < 0) != (b < 0)) --*quotient, *remainder += b;
}
static void w_slash_mod(void) {
    cell b = pop(), q, r;
    divide(pop(), b, &q, &r);
    push(r), push(q);
}
static void w_divide(void) { w_slash_mod(); stack[depth - 2] = stack[depth - 1], depth--; }
static void w_mod(void) { w_slash_mod(); depth--; }
static void w_zero_equal(void) { push(TRUTH(pop() == 0)); }
static void w_zero_less(void) { push(TRUTH(pop() < 0)); }
static void w_invert(void) { push(~pop()); }
static void w_negate(void) { push((cell)(0 - (uint64_t)pop())); }

static void w_dup(void) { cell a = pop(); push(a), push(a); }
static void w_drop(void) { pop(); }
static void w_swap(void) { cell b = pop(), a = pop(); push(b), push(a); }
static void w_over(void) { cell b = pop(), a = pop(); push(a), push(b), push(a); }
static void w_rot(void) { cell c = pop(), b = pop(), a = pop(); push(b), push(c), push(a); }
static void w_depth(void) { push(depth); }
static void w_to_r(void) { push_return(pop()); }
static void w_r_from(void) { push(pop_return()); }
static void w_i(void) { cell a = pop_return(); push_return(a), push(a); }
static void w_j(void) {
    if (returns_depth < 3) fail("j", "is outside of two loops");
    push(returns[returns_depth - 3]);
}

static void w_fetch(void) { push(*at(pop())); }
static void w_store(void) { cell *p = at(pop()); *p = pop(); }
static void w_plus_store(void) { cell *p = at(pop()); *p += pop(); }
static void w_here(void) { push(here); }
static void w_comma(void) { comma(pop()); }
static void w_allot(void) { cell n = pop(); at(here + n), here += n; }

static void w_dot(void) { printf("%lld ", (long long)pop()); }
static void w_question(void) { printf("%lld ", (long long)*at(pop())); }
static void w_emit(void) { putchar((int)pop()); }
static void w_cr(void) { putchar('\n'); }
static void w_space(void) { putchar(' '); }
static void w_dot_s(void) {
    printf("<%d> ", depth);
    for (int i = 0; i < depth; i++) printf("%lld ", (long long)stack[i]);
}
static void w_words(void) {
    for (int w = words_known; w--;)
        if (dictionary[w].name[0] != '(' || !dictionary[w].name[1]) printf("%s ", dictionary[w].name);
}
static void w_bye(void) { exit(0); }

static void compile(const char *name) { comma(find(name)); }
static void w_colon(void) {
    defining = define(parse(' '), do_colon, here);
    dictionary[defining].name[0] |= (char)0x80;  // hidden until it is finished
    compiling = 1;
}
static void w_semicolon(void) {
    if (!compiling) fail(";", "is outside of a definition");
    compile("(exit)");
    dictionary[defining].name[0] &= 0x7f;
    defining = -1;
    compiling = 0;
}
static void w_recurse(void) { comma(defining); }
static void w_exit(void) { compile("(exit)"); }
static void w_variable(void) { define(parse(' '), do_value, here), comma(0); }
static void w_create(void) { define(parse(' '), do_value, here); }
static void w_constant(void) { define(parse(' '), do_value, pop()); }
static void w_tick(void) {
    char *name = parse(' ');
    int w = name ? find(name) : -1;
    if (w < 0) fail(name ? name : "'", "is not known");
    push(w);
}
static void w_execute(void) { execute(pop()); }

// Control flow: a forward jump leaves the address to be filled in, a backward one its target.
static void w_if(void) { compile("(if)"), push(here), comma(0); }
static void w_then(void) { *at(pop()) = here; }
static void w_else(void) {
    cell hole = pop();
    compile("(branch)"), push(here), comma(0);
    *at(hole) = here;
}
static void w_begin(void) { push(here); }
static void w_until(void) { compile("(if)"), comma(pop()); }
static void w_again(void) { compile("(branch)"), comma(pop()); }
static void w_while(void) { w_if(), w_swap(); }
static void w_repeat(void) { w_again(), w_then(); }
static void w_do(void) { compile("(do)"), push(here); }
static void w_loop(void) { compile("(loop)"), comma(pop()); }
static void w_plus_loop(void) { compile("(+loop)"), comma(pop()); }

static void w_dot_quote(void) {
    char *text = parse('"');
    if (!text) fail(".\"", "has no end");
    if (!compiling) {
        fputs(text, stdout);
        return;
    }
    compile("(string)");
    comma((cell)strlen(text));
    while (*text) comma(*text++);
}
static void w_parenthesis(void) { parse(')'); }
static void w_backslash(void) { rest += strlen(rest); }

static const struct {
    const char *name;
    void (*code)(void);
} plain[] = {
    {"(exit)", do_exit}, {"(literal)", do_literal}, {"(branch)", do_branch}, {"(if)", do_if},
    {"(do)", do_do}, {"(loop)", do_loop}, {"(+loop)", do_plus_loop}, {"(string)", do_string},
    {"+", w_add}, {"-", w_subtract}, {"*", w_multiply}, {"/", w_divide}, {"mod", w_mod},
    {"/mod", w_slash_mod}, {"and", w_and}, {"or", w_or}, {"xor", w_xor}, {"invert", w_invert},
    {"lshift", w_left}, {"rshift", w_right}, {"<", w_less}, {">", w_greater}, {"=", w_equal},
    {"<>", w_unequal}, {"0=", w_zero_equal}, {"0<", w_zero_less}, {"min", w_min}, {"max", w_max},
    {"negate", w_negate}, {"dup", w_dup}, {"drop", w_drop}, {"swap", w_swap}, {"over", w_over},
    {"rot", w_rot}, {"depth", w_depth}, {">r", w_to_r}, {"r>", w_r_from}, {"r@", w_i},
    {"i", w_i}, {"j", w_j}, {"@", w_fetch}, {"!", w_store}, {"+!", w_plus_store},
    {"here", w_here}, {",", w_comma}, {"allot", w_allot}, {".", w_dot}, {"?", w_question}, {"emit", w_emit},
    {"cr", w_cr}, {"space", w_space}, {".s", w_dot_s}, {"words", w_words}, {"bye", w_bye},
    {":", w_colon}, {"variable", w_variable}, {"create", w_create}, {"constant", w_constant},
    {"'", w_tick}, {"execute", w_execute},
}, immediate[] = {
    {";", w_semicolon}, {"recurse", w_recurse}, {"exit", w_exit}, {"if", w_if}, {"then", w_then},
    {"else", w_else}, {"begin", w_begin}, {"until", w_until}, {"again", w_again},
    {"while", w_while}, {"repeat", w_repeat}, {"do", w_do}, {"loop", w_loop},
    {"+loop", w_plus_loop}, {".\"", w_dot_quote}, {"(", w_parenthesis}, {"\\", w_backslash},
};

static void interpret(void) {
    for (char *name; (name = parse(' '));) {
        int w = find(name);
        if (w >= 0 && (!compiling || dictionary[w].immediate)) {
            int control = dictionary[w].immediate && w < words_known && !compiling &&
                          !strchr(".(\\", dictionary[w].name[0]);
            if (control) fail(name, "is for definitions only");
            execute(w);
            continue;
        }
        char *end;
        cell number = strtoll(name, &end, name[0] == '$' ? 16 : 10);
        if (name[0] == '$') number = strtoll(name + 1, &end, 16);
        if (w < 0 && (*end || end == name)) fail(name, "is not known");
        if (!compiling) push(number);
        else if (w >= 0) comma(w);
        else compile("(literal)"), comma(number);
    }
}

static void read_lines(const char *prompt) {
    if (prompt) fputs(prompt, stdout), fflush(stdout);
    while (fgets(line, sizeof line, input)) {
        rest = line;
        if (!setjmp(restart)) {
            interpret();
            if (prompt) fputs(compiling ? " compiled\n" : " ok\n", stdout);
        } else if (!prompt) {
            exit(1);
        }
        if (prompt) fputs(prompt, stdout);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++) define(plain[i].name, plain[i].code, 0);
    for (unsigned i = 0; i < sizeof immediate / sizeof *immediate; i++)
        dictionary[define(immediate[i].name, immediate[i].code, 0)].immediate = 1;
    for (int i = 1; i < argc; i++) {
        input = fopen(argv[i], "r");
        if (!input) {
            fprintf(stderr, "forth: %s: %s\n", argv[i], strerror(errno));
            return 2;
        }
        read_lines(NULL);
        fclose(input);
    }
    input = stdin;
    read_lines(isatty(0) ? "> " : NULL);
    return 0;
}
