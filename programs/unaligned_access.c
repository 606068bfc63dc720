// Loads and stores of every size at every alignment, across words, lines and pages.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static _Alignas(4096) uint8_t memory[3 * 4096];

#define EACH(type, name)                                            \
    __attribute__((noinline)) static uint64_t name(unsigned base) { \
        uint64_t digest = 0;                                        \
        for (unsigned i = 0; i < 40; i++) {                         \
            type v;                                                 \
            memcpy(&v, memory + base + i, sizeof v);                \
            digest = digest * 31 + (uint64_t)(int64_t)v;            \
            v = (type)((unsigned __int128)v * 3 + i);                \
            memcpy(memory + base + 2 * i + 1, &v, sizeof v);        \
        }                                                           \
        return digest;                                              \
    }

EACH(uint8_t, on_u8)
EACH(int16_t, on_i16)
EACH(uint32_t, on_u32)
EACH(int32_t, on_i32)
EACH(uint64_t, on_u64)
EACH(__int128, on_i128)

int main(void) {
    static const unsigned bases[] = {0, 1, 4060, 8185};
    static uint64_t (*const each[])(unsigned) = {on_u8, on_i16, on_u32, on_i32, on_u64, on_i128};
    for (int b = 0; b < 4; b++) {
        for (unsigned i = 0; i < sizeof memory; i++) memory[i] = (uint8_t)(i * 7 % 251);
        printf("%u:", bases[b]);
        for (int k = 0; k < 6; k++) printf(" %lx", (unsigned long)each[k](bases[b]));
        unsigned sum = 0;
        for (unsigned i = 0; i < sizeof memory; i++) sum = sum * 31 + memory[i];
        printf(" memory %08x\n", sum);
    }
    return 0;
}
