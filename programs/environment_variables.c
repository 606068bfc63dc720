// getenv, setenv, putenv and unsetenv over an environment of two variables.
// env: GREETING=hello NUMBER=42
#include <stdio.h>
#include <stdlib.h>

static const char *get(const char *name) {
    const char *v = getenv(name);
    return v ? v : "(unset)";
}

int main(void) {
    printf("%s %d %s\n", get("GREETING"), atoi(get("NUMBER")) + 1, get("ABSENT"));
    setenv("GREETING", "kept", 0);
    setenv("ABSENT", "made", 1);
    printf("%s %s\n", get("GREETING"), get("ABSENT"));
    setenv("GREETING", "a longer value than before", 1);
    static char text[] = "PUT=by pointer";
    putenv(text);
    printf("%s | %s\n", get("GREETING"), get("PUT"));
    text[4] = 'B';
    printf("%s\n", get("PUT"));
    unsetenv("NUMBER");
    printf("%s %d\n", get("NUMBER"), setenv("BAD=NAME", "x", 1));
    char name[16];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "VAR%d", i);
        setenv(name, name + 3, 1);
    }
    printf("%s %s\n", get("VAR0"), get("VAR49"));
    return 0;
}
