/* Signals between processes: handlers, masks, restarts, queues, timers. */
#include "check.h"
#include <sys/time.h>

static volatile sig_atomic_t count, last, code, value;
static void handler(int number, siginfo_t *info, void *context) {
    (void)context;
    count++;
    last = number;
    code = info->si_code;
    value = info->si_value.sival_int;
}

static void install(int number, int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
}

int main(void) {
    int ends[2], status;
    char byte = 0;
    pid_t self = getpid();
    install(SIGUSR1, 0);
    install(SIGUSR2, SA_RESTART);
    install(SIGALRM, 0);
    install(SIGCHLD, SA_RESTART);
    SHOW(pipe(ends));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(100000);
        kill(self, SIGUSR1);
        usleep(100000);
        kill(self, SIGUSR2);
        usleep(100000);
        (void)!write(ends[1], "x", 1);
        _exit(0);
    }
    SHOW(read(ends[0], &byte, 1));
    SHOW(count == 1 && last == SIGUSR1 && code == SI_USER);
    SHOW(read(ends[0], &byte, 1));
    SHOW(count >= 2 && byte == 'x');
    SHOW(waitpid(pid, &status, 0) == pid);
    SHOW(last == SIGCHLD);

    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    SHOW(sigprocmask(SIG_BLOCK, &set, &old));
    count = 0;
    kill(self, SIGUSR1);
    kill(self, SIGUSR1);
    SHOW(count);
    SHOW(sigpending(&pending));
    SHOW(sigismember(&pending, SIGUSR1));
    SHOW(sigsuspend(&old));
    SHOW(count);
    SHOW(sigprocmask(SIG_SETMASK, &old, NULL));

    sigset_t real;
    sigemptyset(&real);
    sigaddset(&real, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &real, NULL);
    for (int i = 0; i < 3; i++) {
        union sigval v = {.sival_int = 10 + i};
        SHOW(sigqueue(self, SIGRTMIN + 1, v));
    }
    siginfo_t info;
    struct timespec brief = {0, 1000000};
    for (int i = 0; i < 4; i++) {
        int got = sigtimedwait(&real, &info, &brief);
        printf("%d %d %d\n", got == SIGRTMIN + 1, got < 0 ? errno == EAGAIN : info.si_value.sival_int,
               got < 0 ? 0 : info.si_code == SI_QUEUE);
    }
    struct itimerval timer = {{0, 0}, {0, 50000}};
    count = 0;
    SHOW(setitimer(ITIMER_REAL, &timer, NULL));
    struct timespec wish = {5, 0}, left;
    SHOW(nanosleep(&wish, &left));
    SHOW(left.tv_sec == 4 && count == 1 && last == SIGALRM);
    SHOW(alarm(100));
    SHOW(alarm(0) >= 99);
    struct pollfd fds = {ends[0], POLLIN, 0};
    timer.it_value.tv_usec = 20000;
    setitimer(ITIMER_REAL, &timer, NULL);
    SHOW(poll(&fds, 1, 10000));
    SHOW(poll(&fds, 1, 10));

    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(ends[1], "x", 1));
    signal(SIGPIPE, SIG_DFL);
    pid = fork();
    if (pid == 0) {
        (void)!write(ends[1], "x", 1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SHOW(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    pid = fork();
    if (pid == 0) {
        *(volatile int *)8 = 1;
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SHOW(WTERMSIG(status));
    if ((pid = fork()) == 0) {
        setpgid(0, 0);
        if (fork() == 0) pause();
        wait(NULL);
        _exit(0);
    }
    usleep(20000);
    SHOW(kill(-pid, SIGTERM));
    SHOW(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
    SHOW(kill(-99999999, 0));
    SHOW(kill(99999999, 0));
    SHOW(kill(self, 65));
    return 0;
}
