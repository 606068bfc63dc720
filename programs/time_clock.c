// Clocks: only truths about them are printed (order, resolution, agreement), never the time.
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    struct timespec a, b, real, resolution;
    struct timeval tv;
    printf("monotonic %d %d\n", clock_gettime(CLOCK_MONOTONIC, &a), clock_gettime(CLOCK_MONOTONIC, &b));
    printf("ordered %d\n", b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
    clock_gettime(CLOCK_REALTIME, &real);
    gettimeofday(&tv, NULL);
    time_t now = time(NULL);
    printf("agree %d %d\n", tv.tv_sec - real.tv_sec <= 1, now - real.tv_sec <= 1);
    printf("in range %d %d\n", real.tv_nsec >= 0 && real.tv_nsec < 1000000000, tv.tv_usec < 1000000);
    printf("past 2020 %d\n", now > 1577836800);
    printf("resolution %d %d\n", clock_getres(CLOCK_MONOTONIC, &resolution), resolution.tv_nsec > 0);
    struct timespec nap = {0, 1000000};
    clock_gettime(CLOCK_MONOTONIC, &a);
    printf("sleep %d\n", nanosleep(&nap, NULL));
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("slept %d\n", (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >= 1000000);
    clock_t before = clock();
    volatile unsigned work = 0;
    for (int i = 0; i < 10000; i++) work += (unsigned)i;
    printf("cpu time %d\n", clock() >= before);
    unsigned long counter;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(counter));
    printf("counter %d\n", counter != 0);
    return 0;
}
