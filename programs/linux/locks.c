/* Record locks and flock between processes. */
#include "check.h"
#include <sys/file.h>

static int lock(int fd, int command, int kind, long start, long length) {
    struct flock l = {.l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}

int main(void) {
    char name[] = "/tmp/ncpu-locks-XXXXXX";
    int fd = mkstemp(name), status, ends[2], back[2];
    char byte;
    (void)!pipe(ends);
    (void)!pipe(back);
    SHOW(lock(fd, F_SETLK, F_WRLCK, 10, 10));
    SHOW(lock(fd, F_SETLK, F_RDLCK, 40, 5));
    pid_t pid = fork();
    if (pid == 0) {
        SHOW(lock(fd, F_SETLK, F_WRLCK, 15, 1));
        SHOW(lock(fd, F_SETLK, F_WRLCK, 20, 10));
        SHOW(lock(fd, F_SETLK, F_RDLCK, 42, 1));
        SHOW(lock(fd, F_SETLK, F_WRLCK, 42, 1));
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
        SHOW(fcntl(fd, F_GETLK, &l));
        printf("%d %ld %ld %d\n", l.l_type == F_WRLCK, (long)l.l_start, (long)l.l_len, l.l_pid == getppid());
        fflush(stdout);
        (void)!write(back[1], "r", 1);
        int got = lock(fd, F_SETLKW, F_WRLCK, 12, 2);
        usleep(10000);
        SHOW(got);
        (void)!read(ends[0], &byte, 1);
        _exit(0);
    }
    (void)!read(back[0], &byte, 1);
    usleep(20000);
    SHOW(lock(fd, F_SETLK, F_UNLCK, 12, 3));
    usleep(20000);
    SHOW(lock(fd, F_SETLK, F_WRLCK, 12, 1));
    SHOW(lock(fd, F_SETLK, F_WRLCK, 14, 1));
    (void)!write(ends[1], "g", 1);
    waitpid(pid, &status, 0);
    SHOW(lock(fd, F_SETLK, F_WRLCK, 12, 1));

    int other = open(name, O_RDWR);
    SHOW(flock(fd, LOCK_EX));
    SHOW(flock(other, LOCK_EX | LOCK_NB));
    SHOW(flock(fd, LOCK_SH));
    SHOW(flock(other, LOCK_SH | LOCK_NB));
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    close(other);
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    if ((pid = fork()) == 0) {
        SHOW(flock(fd, LOCK_EX | LOCK_NB));
        other = open(name, O_RDWR);
        SHOW(flock(other, LOCK_SH | LOCK_NB));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SHOW(flock(fd, 0));
    unlink(name);
    return 0;
}
