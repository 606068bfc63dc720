// Wide multiplication: high halves by UMULH and SMULH, checked against 32-bit pieces.
#include <stdint.h>
#include <stdio.h>

static uint64_t pieces(uint64_t a, uint64_t b) {
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t low = al * bl, m1 = ah * bl + (low >> 32), m2 = al * bh + (uint32_t)m1;
    return ah * bh + (m1 >> 32) + (m2 >> 32);
}

int main(void) {
    uint64_t state = 12345, digest = 0;
    unsigned wrong = 0;
    for (int i = 0; i < 4000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t a = state, b = state << 29 | state >> 35;
        uint64_t high = (uint64_t)((unsigned __int128)a * b >> 64);
        int64_t signed_high = (int64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
        int64_t from_unsigned =
            (int64_t)(high - ((int64_t)a < 0 ? b : 0) - ((int64_t)b < 0 ? a : 0));
        wrong += high != pieces(a, b);
        wrong += signed_high != from_unsigned;
        digest = digest * 31 + high + (uint64_t)signed_high;
        // 32 x 32 -> 64 with accumulation: UMADDL, SMSUBL and friends.
        digest += (uint64_t)(uint32_t)a * (uint32_t)b;
        digest -= (uint64_t)((int64_t)(int32_t)a * (int32_t)b);
    }
    printf("wrong %u digest %016lx\n", wrong, (unsigned long)digest);
    return 0;
}
