// Function pointers: tables, callbacks with context, composition and a small vtable.
#include <stdio.h>
#include <string.h>

typedef int (*Binary)(int, int);

static int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
static int mul(int a, int b) { return a * b; }
static int larger(int a, int b) { return a > b ? a : b; }

static int fold(Binary f, const int *v, int n, int start) {
    for (int i = 0; i < n; i++) start = f(start, v[i]);
    return start;
}

typedef struct Shape Shape;
struct Shape {
    const struct {
        const char *name;
        double (*area)(const Shape *);
        void (*scale)(Shape *, double);
    } *kind;
    double w, h;
};

static double box_area(const Shape *s) { return s->w * s->h; }
static double triangle_area(const Shape *s) { return s->w * s->h / 2; }
static void scale(Shape *s, double k) { s->w *= k, s->h *= k; }
static void widen(Shape *s, double k) { s->w *= k; }

static void each(const char *text, void (*visit)(char, void *), void *context) {
    for (; *text; text++) visit(*text, context);
}

static void count_vowel(char c, void *context) { *(int *)context += strchr("aeiou", c) != NULL; }

int main(void) {
    static const Binary table[] = {add, sub, mul, larger};
    static const int v[] = {3, 1, 4, 1, 5, 9, 2, 6};
    for (int i = 0; i < 4; i++) printf("%d ", fold(table[i], v, 8, 1));
    static const struct {
        const char *name;
        double (*area)(const Shape *);
        void (*scale)(Shape *, double);
    } kinds[] = {{"box", box_area, scale}, {"triangle", triangle_area, widen}};
    printf("\n");
    for (int i = 0; i < 6; i++) {
        Shape s = {(const void *)&kinds[i % 2], 2 + i, 3};
        s.kind->scale(&s, 1.5);
        printf("%s %g\n", s.kind->name, s.kind->area(&s));
    }
    int vowels = 0;
    each("an exact machine in pure functions", count_vowel, &vowels);
    printf("vowels %d\n", vowels);
    return 0;
}
