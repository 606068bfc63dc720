// Big integers in base 10^9: 100 factorial, 2^300, and division back down to one.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BASE 1000000000u

typedef struct {
    uint32_t digit[40];
    int n;
} Big;

static void multiply(Big *b, uint32_t by) {
    uint64_t carry = 0;
    for (int i = 0; i < b->n; i++) {
        carry += (uint64_t)b->digit[i] * by;
        b->digit[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    if (carry) b->digit[b->n++] = (uint32_t)carry;
}

static uint32_t divide(Big *b, uint32_t by) {
    uint64_t rest = 0;
    for (int i = b->n - 1; i >= 0; i--) {
        rest = rest * BASE + b->digit[i];
        b->digit[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    while (b->n > 1 && b->digit[b->n - 1] == 0) b->n--;
    return (uint32_t)rest;
}

static void show(const char *name, const Big *b) {
    printf("%s = %u", name, b->digit[b->n - 1]);
    for (int i = b->n - 2; i >= 0; i--) printf("%09u", b->digit[i]);
    printf("\n");
}

int main(void) {
    Big f = {{1}, 1}, power = {{1}, 1};
    for (uint32_t i = 2; i <= 100; i++) multiply(&f, i);
    for (int i = 0; i < 300; i++) multiply(&power, 2);
    show("100!", &f);
    show("2^300", &power);
    Big copy = f, again = f;
    printf("100! mod 101 = %u, mod 97 = %u\n", divide(&copy, 101), divide(&again, 97));
    uint32_t rest = 0;
    for (uint32_t i = 100; i >= 2; i--) rest += divide(&f, i);
    show("back", &f);
    printf("remainders %u\n", rest);
    return 0;
}
