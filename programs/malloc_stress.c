// malloc, calloc, realloc, aligned_alloc and free in a random order; every block keeps its bytes.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64

static struct {
    uint8_t *p;
    size_t size;
    uint8_t tag;
} slot[SLOTS];

static uint32_t state = 2463534242;

static uint32_t next(void) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state;
}

static unsigned damaged(int i) {
    for (size_t k = 0; k < slot[i].size; k += 1 + slot[i].size / 16)
        if (slot[i].p[k] != slot[i].tag) return 1;
    return 0;
}

int main(void) {
    unsigned bad = 0, live = 0, grown = 0, zeroed = 0, misaligned = 0;
    for (int round = 0; round < 2000; round++) {
        int i = (int)(next() % SLOTS);
        size_t size = next() % 64 == 0 ? next() % 200000 : next() % 500;
        if (!slot[i].p) {
            int aligned = round % 5 == 0;
            slot[i].p = aligned ? aligned_alloc(64, (size + 64) & ~63ul)
                        : round % 2 ? malloc(size + 1)
                                    : calloc(1, size + 1);
            misaligned += (uintptr_t)slot[i].p % (aligned ? 64 : 16) != 0;
            if (!aligned && round % 2 == 0) zeroed += slot[i].p[size / 2] == 0;
            live++;
        } else if (next() % 3) {
            bad += damaged(i);
            free(slot[i].p);
            slot[i].p = NULL;
            live--;
            continue;
        } else {
            bad += damaged(i);
            size_t keep = size < slot[i].size ? size : slot[i].size;
            slot[i].p = realloc(slot[i].p, size + 1);
            slot[i].size = keep;
            bad += damaged(i);
            grown++;
        }
        slot[i].size = size;
        slot[i].tag = (uint8_t)(round | 1);
        memset(slot[i].p, slot[i].tag, size);
    }
    printf("bad %u misaligned %u live %u grown %u zeroed %u\n", bad, misaligned, live, grown, zeroed);
    for (int i = 0; i < SLOTS; i++) free(slot[i].p);
    char *big = malloc(8 << 20);
    big[0] = 1;
    big[(8 << 20) - 1] = 2;
    printf("big %d %d\n", big[0], big[(8 << 20) - 1]);
    free(big);
    return 0;
}
