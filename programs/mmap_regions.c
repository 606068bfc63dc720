// Anonymous memory: mmap, zero pages, holes by munmap, mprotect, MAP_FIXED, mremap, brk.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 64 * page;
    uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 1;
    unsigned nonzero = 0;
    for (size_t i = 0; i < n; i += 512) nonzero += p[i] != 0;
    printf("aligned %d nonzero %u\n", (uintptr_t)p % page == 0, nonzero);
    for (size_t i = 0; i < 64; i++) memset(p + i * page, (int)i + 1, page);
    printf("hole %d\n", munmap(p + 10 * page, 5 * page));
    printf("either side %d %d\n", p[10 * page - 1], p[15 * page]);
    uint8_t *q = mmap(p + 11 * page, 2 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("fixed %d zero %d\n", q == p + 11 * page, q[0] == 0 && q[2 * page - 1] == 0);
    printf("protect %d %d\n", mprotect(p, page, PROT_READ), p[5]);
    printf("again %d\n", mprotect(p, page, PROT_READ | PROT_WRITE));
    p[5] = 99;
    uint8_t *r = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(r, 7, 4 * page);
    uint8_t *s = mremap(r, 4 * page, 400 * page, MREMAP_MAYMOVE);
    printf("remap %d %d %d\n", s != MAP_FAILED, s[4 * page - 1], s[4 * page]);
    s[400 * page - 1] = 3;
    printf("shrink %d\n", mremap(s, 400 * page, page, 0) == s);
    printf("unmap %d %d\n", munmap(s, page), munmap(p, n));
    uint8_t *end = sbrk(0), *grown = sbrk(3 * 4096);
    // A libc may keep the break for itself and refuse.
    if (grown == end) memset(grown, 5, 3 * 4096);
    printf("break %d\n", grown == end || grown == (void *)-1);
    return 0;
}
