/* workers N STEPS: N children count at once, each STEPS rounds of a random generator. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int count = atoi(argv[1]), status, sum = 0;
    long steps = argc > 2 ? atol(argv[2]) : 0;
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            volatile uint64_t x = 88172645463325252u + (unsigned)i;
            for (long s = 0; s < steps; s++) x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            _exit((int)(x & 63));
        }
    }
    while (wait(&status) > 0) sum += WEXITSTATUS(status);
    printf("%d\n", sum);
    return 0;
}
