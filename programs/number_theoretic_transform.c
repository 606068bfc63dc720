// A number-theoretic transform modulo 998244353: exact convolution beside the quadratic one.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define P 998244353u
#define N 256

static uint32_t power(uint32_t b, uint32_t e) {
    uint64_t r = 1, x = b;
    for (; e; e >>= 1, x = x * x % P)
        if (e & 1) r = r * x % P;
    return (uint32_t)r;
}

static void transform(uint32_t *v, int n, uint32_t root) {
    if (n == 1) return;
    uint32_t even[N / 2], odd[N / 2];
    for (int i = 0; i < n / 2; i++) even[i] = v[2 * i], odd[i] = v[2 * i + 1];
    uint32_t square = (uint32_t)((uint64_t)root * root % P);
    transform(even, n / 2, square);
    transform(odd, n / 2, square);
    uint64_t w = 1;
    for (int i = 0; i < n / 2; i++, w = w * root % P) {
        uint32_t t = (uint32_t)(w * odd[i] % P);
        v[i] = (even[i] + t) % P;
        v[i + n / 2] = (even[i] + P - t) % P;
    }
}

int main(void) {
    static uint32_t a[N], b[N], slow[N];
    uint32_t s = 4;
    for (int i = 0; i < N / 2; i++) {
        a[i] = (s = s * 1664525 + 1013904223) % P;
        b[i] = (s = s * 1664525 + 1013904223) % P;
    }
    for (int i = 0; i < N / 2; i++)
        for (int k = 0; k < N / 2; k++) slow[i + k] = (uint32_t)((slow[i + k] + (uint64_t)a[i] * b[k]) % P);
    uint32_t root = power(3, (P - 1) / N), inverse = power(N, P - 2);
    transform(a, N, root);
    transform(b, N, root);
    for (int i = 0; i < N; i++) a[i] = (uint32_t)((uint64_t)a[i] * b[i] % P);
    transform(a, N, power(root, P - 2));
    uint32_t digest = 0;
    for (int i = 0; i < N; i++) {
        a[i] = (uint32_t)((uint64_t)a[i] * inverse % P);
        digest = digest * 31 + a[i];
    }
    printf("same %d digest %08x root %u\n", !memcmp(a, slow, sizeof a), digest, root);
    return 0;
}
