// 128-bit integers: products, quotients, shifts, carries, and Fibonacci past 64 bits.
#include <stdint.h>
#include <stdio.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

static void show(const char *name, u128 v) {
    char digits[40];
    int n = 40;
    digits[--n] = 0;
    do {
        digits[--n] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v);
    printf("%s %s\n", name, digits + n);
}

int main(void) {
    u128 a = 0, b = 1;
    for (int i = 0; i < 185; i++) {
        u128 next = a + b;
        a = b;
        b = next;
    }
    show("fib 185", a);
    show("square", (u128)UINT64_MAX * UINT64_MAX);
    show("max", ~(u128)0);
    volatile uint64_t x = 0xfedcba9876543210, y = 0x0f1e2d3c4b5a6978;
    volatile int64_t s = -0x123456789abcdef;
    u128 p = (u128)x * y;
    i128 q = (i128)s * (int64_t)y;
    show("product", p);
    show("negated", (u128)-q);
    show("quotient", p / 1000000000000007);
    show("remainder", p % ((u128)y << 20));
    printf("signed %ld %ld\n", (long)(q / (i128)x), (long)(q % 1000003));
    uint64_t mix = 0;
    for (int n = 0; n < 128; n++) {
        u128 left = p << n, right = p >> n;
        i128 arithmetic = q >> n;
        mix = mix * 31 + (uint64_t)(left >> 64) + (uint64_t)right + (uint64_t)arithmetic;
        mix += (uint64_t)((left + right) >> 64) + ((u128)q < left) + (q < (i128)left);
    }
    printf("mix %016lx\n", (unsigned long)mix);
    u128 modulus = ((u128)1 << 61) - 1, power = 1, base = 3;
    for (uint64_t e = 1000000006; e; e >>= 1) {
        if (e & 1) power = power * base % modulus;
        base = base * base % modulus;
    }
    show("3^e mod 2^61-1", power);
    return 0;
}
