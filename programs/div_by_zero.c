// Division by zero: SDIV and UDIV give 0, and the most negative number over -1 wraps.
#include <stdint.h>
#include <stdio.h>

// C leaves these undefined, so the instructions are written out.
static uint64_t udiv(uint64_t a, uint64_t b) {
    uint64_t q;
    __asm__("udiv %0, %1, %2" : "=r"(q) : "r"(a), "r"(b));
    return q;
}

static int64_t sdiv(int64_t a, int64_t b) {
    int64_t q;
    __asm__("sdiv %0, %1, %2" : "=r"(q) : "r"(a), "r"(b));
    return q;
}

static uint32_t udivw(uint32_t a, uint32_t b) {
    uint32_t q;
    __asm__("udiv %w0, %w1, %w2" : "=r"(q) : "r"(a), "r"(b));
    return q;
}

static int32_t sdivw(int32_t a, int32_t b) {
    int32_t q;
    __asm__("sdiv %w0, %w1, %w2" : "=r"(q) : "r"(a), "r"(b));
    return q;
}

int main(void) {
    printf("udiv %lu %lu\n", (unsigned long)udiv(42, 0), (unsigned long)udiv(~0ul, 0));
    printf("sdiv %ld %ld\n", (long)sdiv(-42, 0), (long)sdiv(INT64_MIN, 0));
    printf("32-bit %u %d\n", udivw(7, 0), sdivw(-7, 0));
    printf("overflow %ld %d\n", (long)sdiv(INT64_MIN, -1), sdivw(INT32_MIN, -1));
    printf("plain %lu %ld %u %d\n", (unsigned long)udiv(100, 7), (long)sdiv(-100, 7), udivw(9, 2),
           sdivw(-9, 2));
    return 0;
}
