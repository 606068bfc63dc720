// The body of the three atomics programs: one thread, every operation, width and order.
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define EXERCISE(type, name)                                                                      \
    static uint64_t name(void) {                                                                  \
        _Atomic type x = 5;                                                                       \
        uint64_t d = 0;                                                                           \
        for (int i = 1; i < 50; i++) {                                                            \
            d = d * 31 + (uint64_t)atomic_fetch_add(&x, (type)(i * 3));                           \
            d = d * 31 + (uint64_t)atomic_fetch_sub_explicit(&x, (type)i, memory_order_relaxed);  \
            d = d * 31 + (uint64_t)atomic_fetch_xor_explicit(&x, (type)(i * 77), memory_order_acquire); \
            d = d * 31 + (uint64_t)atomic_fetch_or_explicit(&x, (type)(1 << i % 7), memory_order_release); \
            d = d * 31 + (uint64_t)atomic_fetch_and_explicit(&x, (type)~(1 << i % 5), memory_order_acq_rel); \
            if (i % 10 == 0) d = d * 31 + (uint64_t)atomic_exchange(&x, (type)(d >> 3));          \
            type expected = (type)(i % 2 ? atomic_load(&x) : (type)i);                            \
            d += (uint64_t)atomic_compare_exchange_strong(&x, &expected, (type)(expected + 9));   \
            d = d * 31 + (uint64_t)expected;                                                      \
            while (!atomic_compare_exchange_weak_explicit(&x, &expected, (type)(expected * 3),    \
                                                          memory_order_release,                   \
                                                          memory_order_relaxed)) {                \
            }                                                                                     \
            atomic_store_explicit(&x, (type)(atomic_load_explicit(&x, memory_order_acquire) + 1), \
                                  memory_order_release);                                          \
        }                                                                                         \
        return d + (uint64_t)atomic_load(&x);                                                     \
    }

EXERCISE(uint8_t, on_u8)
EXERCISE(int16_t, on_i16)
EXERCISE(uint32_t, on_u32)
EXERCISE(int64_t, on_i64)

typedef struct Node {
    struct Node *next;
    int value;
} Node;

static _Atomic(Node *) head;

static void push(Node *n) {
    n->next = atomic_load(&head);
    while (!atomic_compare_exchange_weak(&head, &n->next, n)) {
    }
}

static Node *pop(void) {
    Node *n = atomic_load(&head);
    while (n && !atomic_compare_exchange_weak(&head, &n, n->next)) {
    }
    return n;
}

int main(void) {
    printf("%016lx\n%016lx\n%016lx\n%016lx\n", (unsigned long)on_u8(), (unsigned long)on_i16(),
           (unsigned long)on_u32(), (unsigned long)on_i64());
    static Node nodes[8];
    for (int i = 0; i < 8; i++) {
        nodes[i].value = i * i;
        push(&nodes[i]);
    }
    for (Node *n = pop(); n; n = pop()) printf("%d ", n->value);
    atomic_flag flag = ATOMIC_FLAG_INIT;
    int first = atomic_flag_test_and_set(&flag), second = atomic_flag_test_and_set(&flag);
    atomic_flag_clear(&flag);
    atomic_thread_fence(memory_order_seq_cst);
    printf("\nflag %d %d %d\n", first, second, atomic_flag_test_and_set(&flag));
    return 0;
}
