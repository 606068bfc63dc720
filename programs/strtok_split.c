// strtok, strtok_r and strsep over the same text: nested splitting and empty fields.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

int main(void) {
    char text[] = "alpha=1;beta=2,3;;gamma=4,5,6;delta";
    char copy[sizeof text], again[sizeof text];
    memcpy(copy, text, sizeof text);
    memcpy(again, text, sizeof text);
    int n = 0;
    for (char *t = strtok(text, "=;,"); t; t = strtok(NULL, "=;,")) printf("%d:%s ", n++, t);
    printf("\n");
    char *outer, *inner;
    for (char *pair = strtok_r(copy, ";", &outer); pair; pair = strtok_r(NULL, ";", &outer)) {
        char *key = strtok_r(pair, "=", &inner);
        printf("%s ->", key);
        for (char *v = strtok_r(NULL, ",", &inner); v; v = strtok_r(NULL, ",", &inner))
            printf(" <%s>", v);
        printf("\n");
    }
    char *rest = again, *field;
    while ((field = strsep(&rest, ";"))) printf("[%s]", field);
    printf("\n");
    return 0;
}
