// A fork server: the program TARGET, a child of its own for each input, as fuzzers run programs.
// It reads inputs from standard input, each after its length in four bytes, until there are none.
// Built with -DTARGET='"magic.c"', and the flags that the target itself asks for.
#define main target_main
#include TARGET
#undef main

enum { DUP3 = 24, CLOSE = 57, PIPE2 = 59, EXIT = 94, CLONE = 220, WAIT4 = 260, SIGCHLD = 17 };

static int whole(void *to, long count)
{
    for (long n, done = 0; done < count; done += n)
        if ((n = input((u8 *)to + done, count - done)) <= 0) return 0;
    return 1;
}

static long wait4(long child) { return call(WAIT4, child, 0, 0); }

static long clone(void)
{
    register long x8 __asm__("x8") = CLONE, x0 __asm__("x0") = SIGCHLD;
    register long x1 __asm__("x1") = 0, x2 __asm__("x2") = 0, x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

int main(void)
{
    static u8 data[4096];
    u32 length;
    while (whole(&length, sizeof length) && length <= sizeof data && whole(data, length)) {
        int ends[2];
        call(PIPE2, (long)ends, 0, 0);
        call(64, ends[1], (long)data, length);
        call(CLOSE, ends[1], 0, 0);
        long child = clone();
        if (!child) {
            call(DUP3, ends[0], 0, 0);
            call(EXIT, target_main(), 0, 0);
        }
        wait4(child);
        call(CLOSE, ends[0], 0, 0);
    }
    return 0;
}
