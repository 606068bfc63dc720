// Writes A64 code into mapped memory, clears the caches and runs it; twice at the same address.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef long (*Function)(long, long);

static uint32_t *buffer;

static Function emit(const uint32_t *words, int n) {
    memcpy(buffer, words, (size_t)n * 4);
    __builtin___clear_cache((char *)buffer, (char *)(buffer + n));
    return (Function)(uintptr_t)buffer;
}

int main(void) {
    buffer = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) return 1;
    static const uint32_t add[] = {0x8b010000 /* add x0, x0, x1 */, 0xd65f03c0 /* ret */};
    static const uint32_t power[] = {
        0xd2800022, /* mov x2, #1       */
        0xb4000081, /* 1: cbz x1, 2f    */
        0x9b007c42, /* mul x2, x2, x0   */
        0xd1000421, /* sub x1, x1, #1   */
        0x17fffffd, /* b 1b             */
        0xaa0203e0, /* 2: mov x0, x2    */
        0xd65f03c0, /* ret              */
    };
    printf("add %ld\n", emit(add, 2)(40, 2));
    printf("power %ld\n", emit(power, 7)(3, 20));
    // A generated chain: x0 = x0 * 2 + k for k = 0..9 by add (shifted) and add (immediate).
    uint32_t code[32];
    int n = 0;
    for (uint32_t k = 0; k < 10; k++) {
        code[n++] = 0x8b000000;             // add x0, x0, x0
        code[n++] = 0x91000000 | k << 10;   // add x0, x0, #k
    }
    code[n++] = 0xd65f03c0;
    printf("chain %ld\n", emit(code, n)(1, 0));
    long expect = 1;
    for (int k = 0; k < 10; k++) expect = expect * 2 + k;
    printf("expected %ld\n", expect);
    // One word patched in place: the old instruction must not be run again.
    for (uint32_t k = 1; k <= 3; k++) {
        uint32_t patch[] = {0xd2800000 | (k * 111) << 5 /* mov x0, #k*111 */, 0xd65f03c0};
        printf("patched %ld\n", emit(patch, 2)(0, 0));
    }
    printf("unmap %d\n", munmap(buffer, 4096));
    return 0;
}
