// Buffered streams: setvbuf modes, putc and puts, standard error, interleaving by fflush.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    static char buffer[64];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (int i = 0; i < 40; i++) printf("%d,", i * i);
    puts("");
    fflush(stdout);
    if (write(1, "unbuffered between\n", 19) != 19) return 1;
    putchar('a');
    putc('b', stdout);
    fputc('\n', stdout);
    fputs("no newline added", stdout);
    fwrite("\n", 1, 1, stdout);
    printf("%d\n", fprintf(stdout, "%s", "twelve chars"));
    char text[32];
    memset(text, 'x', sizeof text);
    int n = sprintf(text, "%d-%s", 7, "seven");
    printf("%d %s %c\n", n, text, text[n + 1]);
    FILE *memory = fmemopen(text, sizeof text, "r");
    int first = 0;
    char word[16];
    printf("%d", memory ? fscanf(memory, "%d-%15s", &first, word) : -1);
    printf(" %d %s\n", first, word);
    fclose(memory);
    return 0;
}
