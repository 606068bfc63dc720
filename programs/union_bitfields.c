// Unions and bit-fields: packing, sign extension, insertion next to neighbours, type punning.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef union {
    struct {
        uint32_t fraction : 23, exponent : 8, sign : 1;
    } part;
    float value;
    uint32_t bits;
} Float;

typedef struct {
    unsigned a : 3, b : 7;
    signed c : 5;
    unsigned d : 17;
    uint64_t wide : 40;
    int64_t low : 20;
} Packed;

typedef union {
    uint64_t u;
    uint8_t byte[8];
    uint16_t half[4];
    uint32_t word[2];
} Bytes;

int main(void) {
    static const float values[] = {1.0f, -0.15625f, 6.5e10f};
    for (int i = 0; i < 3; i++) {
        Float f = {.value = values[i]};
        printf("%g: %u %u %06x\n", (double)f.value, f.part.sign, f.part.exponent, f.part.fraction);
        f.part.exponent++;
        f.part.sign ^= 1;
        printf("  %g %08x\n", (double)f.value, f.bits);
    }
    Packed p;
    memset(&p, 0, sizeof p);
    for (int i = 0; i < 40; i++) {
        p.a = (unsigned)i;
        p.b += 11;
        p.c = i * 3;
        p.d = (unsigned)i * 12345;
        p.wide = p.wide * 31 + (uint64_t)i;
        p.low -= i * 1001;
        if (i % 8 == 7)
            printf("%u %u %d %u %lu %ld\n", p.a, p.b, p.c, p.d, (unsigned long)p.wide, (long)p.low);
    }
    Bytes b = {.u = 0x1122334455667788};
    printf("%x %x %x %x\n", b.byte[0], b.byte[7], b.half[1], b.word[1]);
    b.byte[3] = 0xff;
    b.half[3] = 0xabcd;
    printf("%016lx size %zu\n", (unsigned long)b.u, sizeof(Packed));
    return 0;
}
