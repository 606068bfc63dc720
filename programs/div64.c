// 64- and 32-bit division and remainder: signs, extremes, division by constants.
#include <stdint.h>
#include <stdio.h>

static volatile int64_t sv[] = {0, 1, -1, 7, -7, 1000003, -1000003, INT64_MAX, INT64_MIN};
static volatile uint64_t uv[] = {1, 3, 10, 641, 1ul << 32, 0xfffffffffffffffe, ~0ul};

int main(void) {
    for (int i = 0; i < 9; i++)
        for (int j = 1; j < 9; j++) {
            int64_t a = sv[i], b = sv[j];
            if (a == INT64_MIN && b == -1) continue;
            printf("%ld/%ld=%ld r %ld\n", (long)a, (long)b, (long)(a / b), (long)(a % b));
        }
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 7; j++)
            printf("%lu/%lu=%lu r %lu\n", (unsigned long)uv[i], (unsigned long)uv[j],
                   (unsigned long)(uv[i] / uv[j]), (unsigned long)(uv[i] % uv[j]));
    uint64_t state = 88172645463325252, digest = 0;
    for (int i = 0; i < 3000; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uint32_t w = (uint32_t)state;
        int32_t s = (int32_t)(state >> 32);
        digest = digest * 31 + state / 7 + state % 1000000007 + w / 10 + w % 641;
        digest = digest * 31 + (uint64_t)(s / 12345) + (uint64_t)(s % 60) + (uint64_t)(s / 8);
        digest ^= state / (w | 1) + (uint64_t)((int64_t)state / (s | 1));
    }
    printf("digest %016lx\n", (unsigned long)digest);
    return 0;
}
