// A line editor with the commands of ed(1).
//
//   ed [-s] [FILE]         a i c d j k m t s g v p n l = e f r w q Q h H P u and addresses
//
// An error prints `?`; `h` says what it was.
#include "ed.h"

static int print_lines(int from, int to, char how) {
    if (from < 1 || to > last) return fail("invalid address");
    for (int i = from; i <= to; i++) {
        if (how == 'n') printf("%d\t", i);
        for (const char *p = lines[i]; *p; p++) {
            const char *found = strchr("\\\a\b\f\n\r\t\v", *p);
            if (how != 'l') putchar(*p);
            else if (*p == '$') fputs("\\$", stdout);
            else if (found) printf("\\%c", "\\abfnrtv"[found - "\\\a\b\f\n\r\t\v"]);
            else if (isprint((unsigned char)*p)) putchar(*p);
            else printf("\\%03o", (unsigned char)*p);
        }
        puts(how == 'l' ? "$" : "");
    }
    current = to;
    return 1;
}

static int read_file(const char *name, int after) {
    FILE *file = fopen(name, "r");
    if (!file) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return fail("cannot open input file");
    }
    char *line = NULL;
    size_t room = 0, size = 0;
    int at = after;
    for (ssize_t n; (n = getline(&line, &room, file)) > 0;) {
        size += (size_t)n + (line[n - 1] != '\n');
        if (line[n - 1] == '\n') line[n - 1] = 0;
        insert(at++, line);
    }
    free(line);
    fclose(file);
    current = at;
    if (!quiet) printf("%zu\n", size);
    return 1;
}

static int write_file(const char *name, int from, int to) {
    FILE *file = fopen(name, "w");
    size_t size = 0;
    if (!file) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return fail("cannot open output file");
    }
    for (int i = from; i && i <= to; i++) size += (size_t)fprintf(file, "%s\n", lines[i]);
    if (fclose(file)) return fail("cannot write file");
    if (!quiet) printf("%zu\n", size);
    if (from <= 1 && to == last) changed = 0;
    return 1;
}

static void append(int after) {
    current = after;
    for (char *line; (line = get_line()) && strcmp(line, ".");) insert(current++, line);
}

// The replacement of one match: & is the match, \1 to \9 its groups, \ takes the next as it is.
static void replace(struct text *out, const char *with, const char *line,
                    const regmatch_t *groups) {
    for (; *with; with++) {
        int group = *with == '&' ? 0 : -1;
        if (*with == '\\' && isdigit((unsigned char)with[1])) group = with[1] - '0';
        if (group < 0) {
            if (*with == '\\' && with[1]) with++;
            add(out, with, 1);
            continue;
        }
        if (*with == '\\') with++;
        const regmatch_t *g = &groups[group];
        if (g->rm_so >= 0) add(out, line + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
    }
}

// The line with its match number `nth` replaced, with `all` those after it too; NULL if none is.
static char *substituted(const char *line, const char *with, int nth, int all) {
    static struct text out;
    regmatch_t groups[10];
    int done = 0, found = 0, flags = 0;
    out.size = 0;
    while (!regexec(&pattern, line, 10, groups, flags)) {
        int empty = groups[0].rm_eo == groups[0].rm_so;
        add(&out, line, (size_t)groups[0].rm_so);
        if (++found == nth || (all && found > nth)) replace(&out, with, line, groups), done = 1;
        else add(&out, line + groups[0].rm_so, (size_t)(groups[0].rm_eo - groups[0].rm_so));
        line += groups[0].rm_eo;
        flags = REG_NOTBOL;
        if (!*line || (done && !all)) break;
        if (empty) add(&out, line++, 1);
    }
    add(&out, line, strlen(line) + 1);
    return done ? out.data : NULL;
}

static int substitute(int from, int to, char **rest) {
    static char with[LINE], again[LINE];
    char delimiter = **rest;
    if (!delimiter || isspace((unsigned char)delimiter)) return fail("invalid pattern delimiter");
    if (!parse_pattern(rest)) return 0;
    int closed = delimited(rest, delimiter, with);
    if (!strcmp(with, "%")) strcpy(with, again);
    strcpy(again, with);
    int all = 0, nth = 1, done = 0, printed = closed ? 0 : 'p';
    for (; **rest; ++*rest) {
        if (**rest == 'g') all = 1;
        else if (isdigit((unsigned char)**rest)) nth = (int)strtol(*rest, rest, 10), --*rest;
        else if (strchr("pnl", **rest)) printed = **rest;
        else return fail("invalid command suffix");
    }
    for (int i = from; i <= to; i++) {
        char *line = substituted(lines[i], with, nth, all);
        if (!line) continue;
        set_line(i, line);
        done = i;
    }
    if (!done) return in_global || fail("no match");
    current = done;
    return !printed || print_lines(current, current, (char)printed);
}

static int execute(char *command);
static int execute_one(char name, int from, int to, char *argument);

// g and v: mark the lines first, since the commands may move them.
static int global(int from, int to, char **rest, int wanted) {
    static char commands[LINE];
    if (in_global) return fail("cannot nest global commands");
    if (!parse_pattern(rest)) return 0;
    strcpy(commands, **rest ? *rest : "p");
    for (int i = 1; i <= last; i++)
        marked[i] = i >= from && i <= to && matches(i) == wanted;
    in_global = 1;
    int right = 1;
    for (int i = 1; right && i <= last; i++) {
        if (!marked[i]) continue;
        char copy[LINE];
        marked[i] = 0;
        current = i;
        strcpy(copy, commands);
        right = execute(copy);
        i = 0;  // lines may have come or gone: look for the next mark from the start
    }
    in_global = 0;
    return right;
}

static int move(int from, int to, char **rest, int copy) {
    int where = current;
    if (address(rest, &where) < 0) return 0;
    if (where < 0 || where > last || (!copy && where >= from && where < to))
        return fail("invalid destination");
    int count = to - from + 1;
    for (int i = 0; i < count; i++) {
        // What is inserted above pushes the source down.
        int source = from + i + (from + i > where ? i : 0);
        insert(where + i, lines[source]);
    }
    if (!copy) delete(where < from ? from + count : from, where < from ? to + count : to);
    current = copy || where < from ? where + count : where;
    return 1;
}

static int join(int from, int to) {
    struct text out = {0};
    for (int i = from; i <= to; i++) add(&out, lines[i], strlen(lines[i]));
    add(&out, "", 1);
    delete(from, to);
    insert(from - 1, out.data);
    free(out.data);
    current = from;
    return 1;
}

// A command that leaves: 0 when changes would be lost, once.
static int may_leave(int forced) {
    static int warned;
    if (forced || !changed || warned == changed) return 1;
    warned = changed;
    return fail("warning: buffer modified");
}

static int execute(char *command) {
    int from, to, given = range(&command, &from, &to);
    if (given < 0) return 0;
    char name = *command, *rest = name ? command + 1 : command, *argument;
    argument = rest + strspn(rest, " ");
    if (!name) {  // an address alone prints its line, nothing at all the next one
        if (!given) to = current + 1;
        return print_lines(to, to, 'p');
    }
    if (strchr("wgv", name) && !given) from = last > 0, to = last;
    if (name == 'j' && !given) to = current + 1;
    if (strchr("=r", name) && !given) from = to = last;
    if (to > last || (strchr("cdjkmtspnlgv", name) && from < 1) ||
        (strchr("cdjmtspnlgvw", name) && from > to))
        return fail("invalid address");
    if (strchr("rweEf", name) && *rest && *rest != ' ') return fail("unexpected command suffix");
    if (strchr("acdijmtsrgv", name) && !in_global) keep_for_undo();
    if (strchr("acdijpnl=hHPu", name) && *argument) {
        char how = *argument;  // a suffix prints the line that is current after
        if (argument[1] || !strchr("pnl", how)) return fail("invalid command suffix");
        *argument = 0;
        return execute_one(name, from, to, argument) && print_lines(current, current, how);
    }
    return execute_one(name, from, to, argument);
}

static int execute_one(char name, int from, int to, char *argument) {
    switch (name) {
    case 'a': append(to); return 1;
    case 'i': append(to ? to - 1 : 0); return 1;
    case 'c':
        delete(from, to);
        append(from - 1);
        if (current < from && from <= last) current = from;
        return 1;
    case 'd':
        delete(from, to);
        current = from <= last ? from : last;
        return 1;
    case 'p': case 'n': case 'l': return print_lines(from, to, name);
    case '=': printf("%d\n", to); return 1;
    case 'j': return from == to ? 1 : join(from, to);
    case 'k':
        if (*argument < 'a' || *argument > 'z') return fail("invalid mark character");
        names[*argument - 'a'] = lines[to];
        return 1;
    case 'm': return move(from, to, &argument, 0);
    case 't': return move(from, to, &argument, 1);
    case 's': return substitute(from, to, &argument);
    case 'g': return global(from, to, &argument, 1);
    case 'v': return global(from, to, &argument, 0);
    case 'u': return undo();
    case 'r': case 'w': case 'e': case 'E': case 'f':
        if (name == 'e' && !may_leave(0)) return 0;
        if (name == 'f' && !*argument && *file_name) return puts(file_name) >= 0;
        if (*argument && (name != 'r' || !*file_name)) snprintf(file_name, LINE, "%s", argument);
        if (!*argument) argument = file_name;
        if (!*argument) return fail("no current filename");
        if (name == 'f') return puts(file_name) >= 0;
        if (name == 'w') return write_file(argument, from, to);
        if (name == 'r') return read_file(argument, to);
        if (last) delete(1, last);
        if (!read_file(argument, 0)) return 0;
        changed = 0;
        return 1;
    case 'q': case 'Q':
        if (may_leave(name == 'Q')) exit(failed);
        return 0;
    case 'h': if (*problem) puts(problem); return 1;
    case 'H': verbose = !verbose; return 1;
    case 'P': prompt = !prompt; return 1;
    default: return fail("unknown command");
    }
}

int main(int argc, char **argv) {
    quiet = argc > 1 && !strcmp(argv[1], "-s");
    const char *name = argc > 1 + quiet ? argv[1 + quiet] : NULL;
    if (name) {
        snprintf(file_name, LINE, "%s", name);
        read_file(name, 0);
        changed = 0;
    }
    for (char *line, command[LINE];;) {
        if (prompt) fputs("*", stdout);
        fflush(stdout);
        if (!(line = get_line())) break;
        snprintf(command, sizeof command, "%s", line);
        if (execute(command)) continue;
        failed = 1;
        puts("?");
        if (verbose) puts(problem);
    }
    if (may_leave(0)) return failed;
    puts("?");
    return 2;
}
