// Three bodies under gravity in double precision: energy is nearly conserved.
// libs: -lm
#include <math.h>
#include <stdio.h>

typedef struct {
    double x[3], v[3], mass;
} Body;

static Body body[3] = {
    {{0, 0, 0}, {0, -0.0035, 0}, 1.0},
    {{1.0, 0, 0.05}, {0, 1.0, 0}, 0.003},
    {{-2.1, 0.3, 0}, {-0.1, -0.68, 0.02}, 0.0007},
};

static double energy(void) {
    double total = 0;
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) total += 0.5 * body[i].mass * body[i].v[k] * body[i].v[k];
        for (int j = i + 1; j < 3; j++) {
            double r2 = 0;
            for (int k = 0; k < 3; k++) r2 += pow(body[i].x[k] - body[j].x[k], 2);
            total -= body[i].mass * body[j].mass / sqrt(r2);
        }
    }
    return total;
}

static void step(double dt) {
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            if (i == j) continue;
            double d[3], r2 = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = body[j].x[k] - body[i].x[k];
                r2 += d[k] * d[k];
            }
            double pull = body[j].mass / (r2 * sqrt(r2)) * dt;
            for (int k = 0; k < 3; k++) body[i].v[k] += pull * d[k];
        }
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) body[i].x[k] += dt * body[i].v[k];
}

int main(void) {
    double before = energy();
    for (int i = 0; i < 1000; i++) step(0.001);
    printf("energy %.9f then %.6f\n", before, energy());
    for (int i = 0; i < 3; i++)
        printf("%d: %.6f %.6f %.6f\n", i, body[i].x[0], body[i].x[1], body[i].x[2]);
    return 0;
}
