/* fork, wait4, waitid, groups, sessions, orphans, zombies. */
#include "check.h"
#include <sys/resource.h>

static int spawn(int code) {
    pid_t pid = fork();
    if (pid == 0) _exit(code);
    return pid;
}

int main(void) {
    int status, counter = 1;
    pid_t pid = fork();
    if (pid == 0) {
        counter += 41;
        _exit(counter);
    }
    SHOW(waitpid(pid, &status, 0) == pid);
    printf("status %x counter %d\n", status, counter);
    SHOW(waitpid(pid, &status, 0));
    SHOW(waitpid(-1, &status, 0));

    pid_t many[5];
    for (int i = 0; i < 5; i++) many[i] = spawn(i);
    for (int i = 4; i >= 0; i--) {
        SHOW(waitpid(many[i], &status, 0) == many[i]);
        SHOW(WEXITSTATUS(status));
    }
    pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    SHOW(waitpid(pid, &status, WNOHANG));
    SHOW(kill(pid, SIGSTOP));
    SHOW(waitpid(pid, &status, WUNTRACED) == pid);
    SHOW(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    SHOW(waitpid(pid, &status, WNOHANG | WUNTRACED));
    SHOW(kill(pid, SIGCONT));
    SHOW(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    SHOW(kill(pid, SIGTERM));
    siginfo_t info;
    memset(&info, 0, sizeof info);
    SHOW(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    SHOW(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
    SHOW(kill(pid, 0));
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    SHOW(kill(pid, 0));

    pid = fork();
    if (pid == 0) {
        SHOW(getpgrp() != getpid());
        SHOW(setpgid(0, 0));
        SHOW(getpgrp() == getpid());
        SHOW(setsid());
        pid_t inner = fork();
        if (inner == 0) {
            pid_t sid = setsid();
            SHOW(sid == getpid() && getsid(0) == sid && getpgid(0) == sid);
            SHOW(setpgid(0, getppid()));
            _exit(0);
        }
        waitpid(inner, &status, 0);
        _exit(status != 0);
    }
    SHOW(waitpid(pid, &status, 0) == pid && status == 0);
    SHOW(setpgid(pid, 0));
    SHOW(getpgid(99999999));

    int ends[2];
    SHOW(pipe(ends));
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            char byte;
            close(ends[1]);
            while (getppid() == pid) usleep(1000);
            (void)!read(ends[0], &byte, 1);
            usleep(20000);
            printf("orphan %d\n", getppid() != 0);
            fflush(stdout);
            _exit(0);
        }
        _exit(7);
    }
    SHOW(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    close(ends[1]);
    usleep(100000);
    SHOW(waitpid(-1, &status, 0));

    signal(SIGCHLD, SIG_IGN);
    spawn(3);
    usleep(10000);
    SHOW(wait(&status));
    signal(SIGCHLD, SIG_DFL);
    struct rlimit limit = {16, 16};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    int last = 0, fd;
    while ((fd = dup(0)) >= 0) last = fd;
    SHOW(last);
    SHOW(errno == EMFILE);
    return 5;
}
