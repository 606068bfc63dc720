// Reductions that compilers vectorise: sum, min, max, xor, count and search at every width.
// cflags: -ftree-vectorize
#include <stdint.h>
#include <stdio.h>

#define N 500

#define REDUCE(type, wide)                                                                \
    __attribute__((noinline)) static void reduce_##type(const type *v, int n) {           \
        wide sum = 0, squares = 0;                                                        \
        type low = v[0], high = v[0], mask = 0, both = (type)~(type)0;                    \
        int positive = 0, equal = 0;                                                      \
        for (int i = 0; i < n; i++) sum += v[i];                                          \
        for (int i = 0; i < n; i++) squares += (wide)v[i] * (wide)v[i];                   \
        for (int i = 0; i < n; i++) low = v[i] < low ? v[i] : low;                        \
        for (int i = 0; i < n; i++) high = v[i] > high ? v[i] : high;                     \
        for (int i = 0; i < n; i++) mask ^= v[i];                                         \
        for (int i = 0; i < n; i++) both &= (type)(v[i] | 1);                             \
        for (int i = 0; i < n; i++) positive += v[i] > 0;                                 \
        for (int i = 1; i < n; i++) equal += v[i] == v[i - 1];                            \
        printf("%-8s %ld %ld %ld %ld %ld %ld %d %d\n", #type, (long)sum, (long)squares,   \
               (long)low, (long)high, (long)mask, (long)both, positive, equal);           \
    }

REDUCE(int8_t, int64_t)
REDUCE(uint8_t, uint64_t)
REDUCE(int16_t, int64_t)
REDUCE(uint16_t, uint64_t)
REDUCE(int32_t, uint64_t)
REDUCE(uint32_t, uint64_t)
REDUCE(int64_t, uint64_t)
REDUCE(uint64_t, uint64_t)

static uint64_t raw[N];

#define RUN(type)                                                        \
    do {                                                                 \
        static type v[N];                                                \
        for (int i = 0; i < N; i++) v[i] = (type)(raw[i] >> 7);          \
        reduce_##type(v, N);                                             \
        reduce_##type(v + 1, 61);                                        \
    } while (0)

int main(void) {
    uint64_t s = 3;
    for (int i = 0; i < N; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        raw[i] = i % 9 ? s : i ? raw[i - 1] : s;
    }
    RUN(int8_t);
    RUN(uint8_t);
    RUN(int16_t);
    RUN(uint16_t);
    RUN(int32_t);
    RUN(uint32_t);
    RUN(int64_t);
    RUN(uint64_t);
    return 0;
}
