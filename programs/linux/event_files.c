/* Timers and signals as files: timerfd, signalfd, eventfd, alone and under poll and epoll. */
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "check.h"

static uint64_t ticks(int fd) {
    uint64_t count = 0;
    long got = read(fd, &count, 8);
    return got == 8 ? count : (uint64_t)-1;
}

static void timers(void) {
    struct itimerspec once = {{0, 0}, {0, 2000000}}, many = {{0, 1000000}, {0, 1000000}}, off = {{0, 0}, {0, 0}};
    struct itimerspec was;
    struct timespec now;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    SHOW(fd >= 0);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(timerfd_create(77, 0));
    SHOW(timerfd_create(CLOCK_REALTIME, 1));
    SHOW(timerfd_settime(fd, 0, &once, &was));
    SHOW(was.it_value.tv_sec + was.it_value.tv_nsec);
    SHOW(ticks(fd) == (uint64_t)-1 && errno == EAGAIN);
    SHOW(read(fd, &was, 4));
    struct pollfd look = {fd, POLLIN, 0};
    SHOW(poll(&look, 1, 5000));
    SHOW(look.revents);
    SHOW(ticks(fd));
    SHOW(timerfd_gettime(fd, &was));
    SHOW(was.it_value.tv_nsec);
    SHOW(timerfd_settime(fd, 0, &many, NULL));
    usleep(20000);
    SHOW(ticks(fd) >= 3);
    SHOW(timerfd_settime(fd, 0, &off, &was));
    SHOW(was.it_interval.tv_nsec);
    SHOW(poll(&look, 1, 3));
    SHOW(timerfd_settime(0, 0, &off, NULL));
    clock_gettime(CLOCK_REALTIME, &now);
    int wall = timerfd_create(CLOCK_REALTIME, 0);
    struct itimerspec at = {{0, 0}, {now.tv_sec + 1, now.tv_nsec}};
    SHOW(timerfd_settime(wall, TFD_TIMER_ABSTIME, &at, NULL));
    SHOW(ticks(wall));
    int set = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.u64 = 5}};
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    SHOW(timerfd_settime(fd, 0, &once, NULL));
    SHOW(epoll_wait(set, &event, 1, 5000));
    SHOW(event.data.u64);
    close(set);
    close(fd);
    close(wall);
}

static void signal_files(void) {
    sigset_t set;
    struct signalfd_siginfo got[3];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    SHOW(fd >= 0);
    SHOW(read(fd, got, sizeof got));
    SHOW(read(fd, got, 100));
    kill(getpid(), SIGUSR1);
    struct pollfd look = {fd, POLLIN, 0};
    SHOW(poll(&look, 1, 0));
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = -7});
    SHOW(read(fd, got, sizeof got));
    SHOW(got[0].ssi_signo);
    SHOW(got[0].ssi_pid == getpid());
    SHOW(got[0].ssi_code);
    SHOW(got[1].ssi_signo - SIGRTMIN);
    SHOW(got[1].ssi_int);
    SHOW(got[1].ssi_code);
    SHOW(read(fd, got, sizeof got));
    fcntl(fd, F_SETFL, 0);
    pid_t child = fork();
    if (child == 0) _exit(9);
    SHOW(read(fd, got, sizeof got));
    SHOW(got[0].ssi_signo);
    SHOW(got[0].ssi_status);
    SHOW(got[0].ssi_pid == child);
    waitpid(child, NULL, 0);
    sigemptyset(&set);
    SHOW(signalfd(fd, &set, 0) == fd);
    SHOW(signalfd(1, &set, 0));
}

int main(void) {
    timers();
    signal_files();
    int fd = eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE);
    SHOW(ticks(fd));
    SHOW(ticks(fd) + ticks(fd));
    SHOW(ticks(fd) == (uint64_t)-1);
    return 0;
}
