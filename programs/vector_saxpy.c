// Element-wise loops that compilers vectorise: saxpy, clamping, conversion, strided access.
// cflags: -ftree-vectorize -ffp-contract=off
#include <stdint.h>
#include <stdio.h>

#define N 777

static float x[N], y[N];
static double z[N];
static int32_t k[N];
static uint8_t byte[3 * N];
static uint16_t wide[N];

__attribute__((noinline)) static void saxpy(float a, int n) {
    for (int i = 0; i < n; i++) y[i] = a * x[i] + y[i];
}

__attribute__((noinline)) static void clamp(float low, float high, int n) {
    for (int i = 0; i < n; i++) x[i] = y[i] < low ? low : y[i] > high ? high : y[i];
}

__attribute__((noinline)) static void convert(int n) {
    for (int i = 0; i < n; i++) {
        z[i] = (double)x[i] * 0.5;
        k[i] = (int32_t)y[i];
    }
}

__attribute__((noinline)) static void grey(int n) {
    for (int i = 0; i < n; i++)
        wide[i] = (uint16_t)(byte[3 * i] * 77 + byte[3 * i + 1] * 150 + byte[3 * i + 2] * 29);
}

__attribute__((noinline)) static void absolute(int n) {
    for (int i = 0; i < n; i++) k[i] = k[i] < 0 ? -k[i] : k[i];
}

int main(void) {
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i % 37) * 0.375f - 5;
        y[i] = (float)(i % 11) - 4.5f;
    }
    for (int i = 0; i < 3 * N; i++) byte[i] = (uint8_t)(i * 89);
    saxpy(2.5f, N);
    saxpy(-0.1f, N - 3);
    clamp(-10, 12, N - 1);
    convert(N);
    absolute(N);
    grey(N);
    double zs = 0, ys = 0;
    long ks = 0, ws = 0;
    for (int i = 0; i < N; i++) zs += z[i] * i, ys += (double)y[i], ks += k[i] * (i % 5), ws += wide[i] * i;
    printf("%.6f %.6f %ld %ld\n", zs, ys, ks, ws);
    for (int i = 0; i < N; i += 111)
        printf("%d: %.6g %.6g %d %d\n", i, (double)x[i], (double)y[i], k[i], wide[i]);
    return 0;
}
