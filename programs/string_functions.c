// The <string.h> functions at every small length and alignment, against plain loops.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int sign(int x) { return (x > 0) - (x < 0); }

int main(void) {
    static char pool[400], copy[400];
    unsigned bad = 0, sum = 0;
    for (int offset = 0; offset < 16; offset++)
        for (int length = 0; length < 70; length += 1 + length / 20) {
            memset(pool, '#', sizeof pool);
            char *s = pool + offset;
            for (int i = 0; i < length; i++) s[i] = (char)('a' + i % 26);
            s[length] = 0;
            bad += strlen(s) != (size_t)length;
            bad += strnlen(s, 30) != (size_t)(length < 30 ? length : 30);
            memset(copy, '!', sizeof copy);
            bad += strcpy(copy + 3, s) != copy + 3 || copy[3 + length] != 0 || copy[4 + length] != '!';
            bad += strcmp(copy + 3, s) != 0 || memcmp(copy + 3, s, (size_t)length + 1) != 0;
            bad += strchr(s, 'z') != (length > 25 ? s + 25 : NULL);
            bad += memchr(s, 'q', (size_t)length) != (length > 16 ? s + 16 : NULL);
            char *last = strrchr(s, 'b');
            sum = sum * 7 + (unsigned)(last ? last - s : -1);
            if (length) {
                copy[3 + length / 2]++;
                bad += sign(strcmp(copy + 3, s)) != 1 || sign(strncmp(s, copy + 3, 70)) != -1;
                bad += strncmp(s, copy + 3, (size_t)length / 2) != 0;
            }
        }
    printf("bad %u sum %u\n", bad, sum);
    char buffer[64] = "one";
    strcat(buffer, " two");
    strncat(buffer, " three-and-more", 6);
    printf("[%s] %zu %zu %s\n", buffer, strspn(buffer, "eno"), strcspn(buffer, "t"),
           strpbrk(buffer, "wh"));
    strncpy(buffer, "pad", 8);
    printf("%s %d %d [%s]\n", buffer, buffer[7], buffer[8], strstr("hay needle hay", "needle"));
    printf("%s %d\n", (char *)memmem("a\0b\0cd", 7, "\0c", 2) + 1, strcasecmp("HeLLo", "hEllO"));
    printf("[%s] [%s]\n", stpcpy(buffer, "end") - 2, strcasestr("Big Endian", "END"));
    return 0;
}
