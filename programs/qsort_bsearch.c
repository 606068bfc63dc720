// qsort and bsearch through comparison callbacks, on integers, strings and structs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char name[12];
    int age, id;
} Person;

static int by_int(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_age(const void *a, const void *b) {
    const Person *p = a, *q = b;
    // The id breaks ties: qsort is not stable.
    return p->age != q->age ? p->age - q->age : p->id - q->id;
}

int main(void) {
    int v[200];
    unsigned state = 9;
    for (int i = 0; i < 200; i++) v[i] = (int)((state = state * 1103515245 + 12345) >> 16) % 1000;
    qsort(v, 200, sizeof *v, by_int);
    int sorted = 1, found = 0;
    for (int i = 1; i < 200; i++) sorted &= v[i - 1] <= v[i];
    for (int key = 0; key < 1000; key++) found += bsearch(&key, v, 200, sizeof *v, by_int) != NULL;
    printf("sorted %d min %d max %d distinct %d\n", sorted, v[0], v[199], found);
    const char *words[] = {"pear", "apple", "fig", "banana", "Cherry", "date", "apricot"};
    qsort(words, 7, sizeof *words, by_text);
    for (int i = 0; i < 7; i++) printf("%s ", words[i]);
    const char *key = "fig";
    const char **hit = bsearch(&key, words, 7, sizeof *words, by_text);
    printf("\nfig at %d\n", (int)(hit - words));
    Person people[] = {{"ann", 41, 0}, {"bob", 17, 1}, {"cy", 41, 2}, {"dee", 5, 3}, {"ed", 17, 4}};
    qsort(people, 5, sizeof *people, by_age);
    for (int i = 0; i < 5; i++) printf("%s:%d ", people[i].name, people[i].age);
    printf("\n");
    return 0;
}
