// A growing hash table with linear probing and deletion; counted against a plain array.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    uint32_t key, value, state;
} Slot;

enum { EMPTY, FULL, DELETED };

static Slot *slots;
static size_t size, live, used, probes;

static uint32_t hash(uint32_t x) {
    x = (x ^ x >> 16) * 0x85ebca6b;
    x = (x ^ x >> 13) * 0xc2b2ae35;
    return x ^ x >> 16;
}

static Slot *find(uint32_t key, int insert) {
    Slot *spare = NULL;
    for (size_t i = hash(key) & (size - 1);; i = (i + 1) & (size - 1)) {
        Slot *s = &slots[i];
        probes++;
        if (s->state == FULL && s->key == key) return s;
        if (s->state == DELETED && !spare) spare = s;
        if (s->state == EMPTY) return insert ? (spare ? spare : s) : NULL;
    }
}

static void put(uint32_t key, uint32_t value);

static void grow(void) {
    Slot *old = slots;
    size_t n = size;
    size = n ? n * 2 : 8;
    slots = calloc(size, sizeof *slots);
    live = used = 0;
    for (size_t i = 0; i < n; i++)
        if (old[i].state == FULL) put(old[i].key, old[i].value);
    free(old);
}

static void put(uint32_t key, uint32_t value) {
    if ((used + 1) * 4 > size * 3) grow();
    Slot *s = find(key, 1);
    if (s->state != FULL) live++;
    if (s->state == EMPTY) used++;
    *s = (Slot){key, value, FULL};
}

int main(void) {
    static uint32_t plain[1000];
    uint32_t s = 12;
    unsigned wrong = 0, present = 0;
    grow();
    for (int i = 0; i < 8000; i++) {
        s = s * 1664525 + 1013904223;
        uint32_t key = (s >> 12) % 1000;
        Slot *found = find(key * 2654435761u, 0);
        wrong += found ? found->value != plain[key] : plain[key] != 0;
        if (s >> 30) {
            put(key * 2654435761u, plain[key] = s | 1);
        } else if (found) {
            found->state = DELETED;
            plain[key] = 0;
            live--;
        }
    }
    for (int i = 0; i < 1000; i++) present += plain[i] != 0;
    printf("wrong %u live %zu expected %u size %zu probes %zu\n", wrong, live, present, size, probes);
    free(slots);
    return 0;
}
