// Prints its arguments and its environment, exactly as the kernel laid them on the stack.
// args: one 'two words' '' --flag=x "tab	inside" ünïcode
// env: HOME=/nowhere LANG=C EMPTY= EQUALS=a=b
#include <stdio.h>
#include <string.h>

extern char **environ;

int main(int argc, char **argv, char **envp) {
    printf("argc %d\n", argc);
    for (int i = 0; i < argc; i++) printf("argv[%d] = '%s' (%zu)\n", i, argv[i], strlen(argv[i]));
    printf("ends %d\n", argv[argc] == NULL);
    int n = 0;
    for (char **e = envp; *e; e++) printf("env[%d] = '%s'\n", n++, *e);
    // The strings follow each other in memory, argument after argument.
    int packed = 1;
    for (int i = 1; i < argc; i++) packed &= argv[i] == argv[i - 1] + strlen(argv[i - 1]) + 1;
    printf("%d variables, same array %d, packed %d\n", n, environ == envp, packed);
    return 0;
}
