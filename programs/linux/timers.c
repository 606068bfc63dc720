/* POSIX timers: signals to the process, to a thread, to nobody; overruns, settings, errors. */
#include "check.h"
#include <pthread.h>
#include <sys/syscall.h>

#define MS 1000000L
static volatile sig_atomic_t rings, value, code, direct;
static pthread_t self;
static void ring(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    rings++;
    value = info->si_value.sival_int;
    code = info->si_code;
    direct = pthread_equal(pthread_self(), self) ? 1 : 2;
}
static void *bystander(void *argument) {
    struct timespec wish = {0, 40 * MS};
    while (nanosleep(&wish, &wish) < 0) ;
    return argument;
}
static volatile int called;
static void notified(union sigval with) { called += with.sival_int; }

static int set(timer_t timer, int flags, long first, long interval) {
    struct itimerspec wish = {{0, interval}, {first / 1000000000, first % 1000000000}};
    return timer_settime(timer, flags, &wish, NULL);
}
static long left(timer_t timer) {
    struct itimerspec now;
    return timer_gettime(timer, &now) ? -1 : now.it_value.tv_sec * 1000000000L + now.it_value.tv_nsec;
}
static void await(int count) {
    sigset_t none;
    sigemptyset(&none);
    while (rings < count) sigsuspend(&none);
}

int main(void) {
    struct sigevent to_process = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct sigaction action = {.sa_sigaction = ring, .sa_flags = SA_SIGINFO};
    struct itimerspec was;
    sigset_t all, one;
    timer_t a, b, c, d;
    sigemptyset(&all);
    sigaddset(&all, SIGRTMIN + 1), sigaddset(&all, SIGALRM), sigaddset(&all, SIGUSR2);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);

    to_process.sigev_value.sival_int = 42;
    SHOW(timer_create(CLOCK_MONOTONIC, &to_process, &a));
    SHOW(timer_create(CLOCK_REALTIME, NULL, &b));
    SHOW(timer_gettime(a, &was) == 0 && was.it_value.tv_nsec == 0 && was.it_interval.tv_nsec == 0);
    SHOW(set(a, 0, 200 * MS, 0));
    SHOW(left(a) > 0 && left(a) <= 200 * MS);
    await(1);
    SHOW(value == 42 && code == SI_TIMER);
    SHOW(left(a));
    SHOW(timer_getoverrun(a));

    SHOW(set(a, 0, 2 * MS, 2 * MS));
    await(4);
    SHOW(left(a) > 0 && left(a) <= 2 * MS);
    SHOW(timer_settime(a, 0, &(struct itimerspec){{0, 0}, {0, 0}}, &was));
    SHOW(was.it_interval.tv_nsec);
    usleep(5000);
    SHOW(rings);

    /* Blocked for a while: one signal, the rest overruns. */
    SHOW(set(a, 0, MS, MS));
    usleep(20000);
    sigpending(&one);
    SHOW(sigismember(&one, SIGRTMIN + 1));
    siginfo_t info;
    sigemptyset(&one), sigaddset(&one, SIGRTMIN + 1);
    SHOW(sigwaitinfo(&one, &info) == SIGRTMIN + 1);
    SHOW(info.si_code == SI_TIMER && info.si_value.sival_int == 42);
    SHOW(timer_getoverrun(a) >= 15 && timer_getoverrun(a) < 1000);
    SHOW(info.si_overrun == timer_getoverrun(a));
    SHOW(set(a, 0, 0, 0));

    /* By the date; the default is SIGALRM with the timer's number. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long moment = now.tv_nsec + 3 * MS;
    struct itimerspec at = {{0, 0}, {now.tv_sec + moment / 1000000000, moment % 1000000000}};
    rings = 0;
    SHOW(timer_settime(b, TIMER_ABSTIME, &at, NULL));
    await(1);
    SHOW(code == SI_TIMER);
    SHOW(timer_settime(b, TIMER_ABSTIME, &at, NULL));
    await(2);

    /* Two timers with one standard signal. */
    struct sigevent again = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    SHOW(timer_create(CLOCK_BOOTTIME, &again, &c));
    SHOW(set(b, 0, MS, 0) + set(c, 0, MS, 0));
    usleep(5000);
    rings = 0;
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    SHOW(rings);
    sigprocmask(SIG_BLOCK, &all, NULL);

    /* A signal that is pending when its timer is deleted does not come. */
    SHOW(set(c, 0, MS, 0));
    usleep(3000);
    SHOW(timer_delete(c));
    SHOW(timer_delete(c));
    SHOW(timer_gettime(c, &was));
    SHOW(set(c, 0, 1, 0));
    SHOW(timer_getoverrun(c));

    /* Nobody is told. */
    struct sigevent nobody = {.sigev_notify = SIGEV_NONE};
    SHOW(timer_create(CLOCK_MONOTONIC, &nobody, &d));
    SHOW(set(d, 0, 300 * MS, 20 * MS));
    usleep(1000);
    SHOW(left(d) > 20 * MS && left(d) < 300 * MS);
    usleep(310000);
    SHOW(left(d) > 0 && left(d) <= 20 * MS);
    SHOW(timer_delete(d));

    /* One thread is told; the library makes a thread that calls a function. */
    pthread_t other;
    self = pthread_self();
    pthread_create(&other, NULL, bystander, NULL);
    struct sigevent one_thread = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
    one_thread._sigev_un._tid = syscall(SYS_gettid);
    SHOW(timer_create(CLOCK_MONOTONIC, &one_thread, &d));
    rings = 0;
    SHOW(set(d, 0, MS, 0));
    await(1);
    SHOW(direct);
    pthread_join(other, NULL);
    struct sigevent function = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notified};
    timer_t e;
    function.sigev_value.sival_int = 7;
    SHOW(timer_create(CLOCK_MONOTONIC, &function, &e));
    SHOW(set(e, 0, MS, 0));
    while (!called) usleep(1000);
    SHOW(called);

    /* Not inherited, and errors. */
    rings = 0;
    SHOW(set(a, 0, 20 * MS, 0));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(40000);
        sigpending(&one);
        _exit(sigismember(&one, SIGRTMIN + 1) * 2 + (timer_gettime(a, &was) == 0));
    }
    int status;
    waitpid(pid, &status, 0);
    SHOW(WEXITSTATUS(status));
    await(1);
    SHOW(timer_create(99, NULL, &c));
    to_process.sigev_signo = 99;
    SHOW(timer_create(CLOCK_MONOTONIC, &to_process, &c));
    to_process.sigev_notify = 77;
    SHOW(timer_create(CLOCK_MONOTONIC, &to_process, &c));
    one_thread._sigev_un._tid = 1;
    SHOW(timer_create(CLOCK_MONOTONIC, &one_thread, &c));
    SHOW(set(a, 0, 1, 1000000000));
    SHOW(set(a, 0, -1, 0));

    /* An ignored signal, then one that ends the process. */
    struct sigevent ends = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    if ((pid = fork()) == 0) {
        signal(SIGUSR2, SIG_IGN);
        sigprocmask(SIG_UNBLOCK, &all, NULL);
        timer_create(CLOCK_MONOTONIC, &ends, &d);
        set(d, 0, MS, 0);
        usleep(3000);
        signal(SIGUSR2, SIG_DFL);
        usleep(3000);
        puts("goes on");
        fflush(stdout);
        set(d, 0, MS, 0);
        for (;;) pause();
    }
    waitpid(pid, &status, 0);
    SHOW(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2);
    return 0;
}
