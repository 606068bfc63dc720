/* Pipes and polls between processes: capacity, end, shared offsets, close-on-exec. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>

static char block[200000];

int main(void) {
    int ends[2], status;
    SHOW(pipe(ends));
    SHOW(fcntl(ends[1], F_SETFL, O_NONBLOCK));
    SHOW(write(ends[1], block, 70000));
    SHOW(write(ends[1], block, 1));
    struct pollfd fds[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}};
    SHOW(poll(fds, 2, 0));
    SHOW(fds[0].revents);
    SHOW(fds[1].revents);
    SHOW(read(ends[0], block, sizeof block));
    SHOW(read(ends[0], block, 0));
    SHOW(fcntl(ends[1], F_SETFL, 0));
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        for (int i = 0; i < 200000; i++) block[i] = (char)(i * 7);
        _exit(write(ends[1], block, 200000) != 200000);
    }
    close(ends[1]);
    long total = 0, sum = 0, got;
    char part[3000];
    while ((got = read(ends[0], part, sizeof part)) > 0) {
        for (long i = 0; i < got; i++) sum += (unsigned char)part[i] * (1 + (total + i) % 13);
        total += got;
    }
    printf("%ld bytes, sum %ld, last %ld\n", total, sum, got);
    waitpid(pid, &status, 0);
    SHOW(status);
    close(ends[0]);

    char name[] = "/tmp/ncpu-pipes-XXXXXX";
    int fd = mkstemp(name);
    SHOW(fd >= 0);
    unlink(name);
    if ((pid = fork()) == 0) {
        (void)!write(fd, "child ", 6);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SHOW(write(fd, "parent", 6));
    SHOW(lseek(fd, 0, SEEK_SET));
    memset(block, 0, 20);
    SHOW(read(fd, block, 20));
    puts(block);

    SHOW(pipe2(ends, O_CLOEXEC));
    SHOW(fcntl(ends[0], F_GETFD));
    if ((pid = fork()) == 0) {
        usleep(50000);
        (void)!write(ends[1], "go", 2);
        usleep(50000);
        _exit(0);
    }
    close(ends[1]);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval wait = {3, 0};
    SHOW(select(ends[0] + 1, &set, NULL, NULL, &wait));
    SHOW(FD_ISSET(ends[0], &set));
    SHOW(read(ends[0], block, 10));
    fds[0].fd = ends[0];
    SHOW(poll(fds, 1, 3000));
    SHOW(fds[0].revents);
    SHOW(read(ends[0], block, 10));
    wait4(pid, &status, 0, NULL);

    int event = eventfd(3, EFD_NONBLOCK), epoll = epoll_create1(0);
    struct epoll_event one = {EPOLLIN | EPOLLET, {.u64 = 77}}, out[4];
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &one));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &one));
    SHOW(epoll_wait(epoll, out, 4, 0));
    SHOW(out[0].data.u64);
    SHOW(epoll_wait(epoll, out, 4, 0));
    unsigned long long number = 4;
    SHOW(write(event, &number, 8));
    SHOW(epoll_wait(epoll, out, 4, 0));
    SHOW(read(event, &number, 8));
    SHOW(number);
    SHOW(read(event, &number, 8));
    SHOW(epoll_wait(epoll, out, 4, 20));
    one.events = EPOLLIN | EPOLLONESHOT;
    SHOW(epoll_ctl(epoll, EPOLL_CTL_MOD, event, &one));
    SHOW(write(event, &number, 8));
    SHOW(epoll_wait(epoll, out, 4, 0));
    SHOW(epoll_wait(epoll, out, 4, 0));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, event, NULL));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, event, NULL));
    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &one));
    return 0;
}
