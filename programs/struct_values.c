// Structs passed and returned by value: in registers, as float aggregates, and through memory.
#include <stdint.h>
#include <stdio.h>

typedef struct { int32_t x, y; } Small;
typedef struct { int64_t a, b; } Pair;
typedef struct { float r, g, b, alpha; } Colour;
typedef struct { double m[2][2]; } Matrix;
typedef struct { int id; double weight; char name[24]; } Record;
typedef struct { uint8_t b[3]; } Odd;

#define APART __attribute__((noinline))

APART static Small swap(Small s) { return (Small){s.y, s.x}; }
APART static Pair divide(Pair p) { return (Pair){p.a / p.b, p.a % p.b}; }
APART static Odd turn(Odd o) { return (Odd){{o.b[1], o.b[2], o.b[0]}}; }

APART static Colour blend(Colour p, Colour q, float t) {
    return (Colour){p.r + (q.r - p.r) * t, p.g + (q.g - p.g) * t, p.b + (q.b - p.b) * t,
                    p.alpha + (q.alpha - p.alpha) * t};
}

APART static Matrix product(Matrix a, Matrix b) {
    Matrix c = {{{0}}};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 2; k++) c.m[i][j] += a.m[i][k] * b.m[k][j];
    return c;
}

APART static Record rename_record(Record r, int id, char initial) {
    r.id += id;
    r.weight *= 2;
    r.name[0] = initial;
    return r;
}

APART static long many(long a, long b, long c, long d, long e, long f, long g, Pair p, Small s,
                       int8_t t) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * p.a + 9 * p.b + 10 * s.x +
           11 * s.y + 12 * t;
}

int main(void) {
    Small s = swap((Small){1, -2});
    Pair p = divide((Pair){-1000000007, 97});
    Odd o = turn(turn((Odd){{1, 2, 3}}));
    Colour c = blend((Colour){0, 0.25f, 0.5f, 1}, (Colour){1, 0.75f, 0, 1}, 0.5f);
    Matrix m = {{{1, 1}, {1, 0}}}, power = m;
    for (int i = 0; i < 30; i++) power = product(power, m);
    Record r = rename_record((Record){5, 1.25, "processor"}, 37, 'P');
    printf("%d %d | %ld %ld | %d%d%d\n", s.x, s.y, (long)p.a, (long)p.b, o.b[0], o.b[1], o.b[2]);
    printf("%g %g %g %g | %g %g\n", (double)c.r, (double)c.g, (double)c.b, (double)c.alpha,
           power.m[0][0], power.m[1][1]);
    printf("%d %g %s | %ld\n", r.id, r.weight, r.name,
           many(1, 2, 3, 4, 5, 6, 7, (Pair){8, 9}, (Small){10, 11}, -12));
    return 0;
}
