// Recursion 20,000 frames deep: about 3 MB of stack is touched and unwound.
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static unsigned long down(unsigned depth, unsigned long seed) {
    volatile unsigned char frame[128];
    for (unsigned i = 0; i < sizeof frame; i += 32) frame[i] = (unsigned char)(seed + i);
    if (depth == 0) return seed;
    unsigned long below = down(depth - 1, seed * 6364136223846793005ul + 1442695040888963407ul);
    unsigned long sum = below;
    for (unsigned i = 0; i < sizeof frame; i += 32) {
        if (frame[i] != (unsigned char)(seed + i)) return 0;
        sum = sum * 3 + frame[i];
    }
    return sum;
}

int main(void) {
    for (unsigned depth = 10; depth <= 20000; depth *= 10)
        printf("%u frames: %016lx\n", depth, down(depth, depth));
    printf("20000 frames: %016lx\n", down(20000, 7));
    return 0;
}
