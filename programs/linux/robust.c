/* Robust mutexes whose owner ends: a thread, a process by exit or signal, a program by execve.
   With an argument, this program's own path, it also ends one by execve. */
#include "check.h"
#include <pthread.h>
#include <sys/mman.h>

struct shared {
    pthread_mutex_t lock, other;
    volatile int held;
};
static struct shared *s;
static const char *self;

static void *dies(void *unused) {
    pthread_mutex_lock(&s->lock);
    return unused;
}
static void *waits(void *unused) {
    (void)unused;
    return (void *)(long)pthread_mutex_lock(&s->lock);
}
static void *holds(void *spins) {
    pthread_mutex_lock(&s->lock);
    pthread_mutex_lock(&s->other);
    s->held = 1;
    for (;;) {
        if (!spins) pause();
    }
    return NULL;
}

static void by_signal(void) {
    pthread_mutex_lock(&s->lock);
    s->held = 1;
    for (;;) pause();
}
static void while_running(void) {
    holds((void *)1);
}
static void by_fault(void) {
    pthread_mutex_lock(&s->lock);
    s->held = 1;
    raise(SIGSEGV);
}
static void with_a_thread(void *spins) {
    pthread_t thread;
    pthread_create(&thread, NULL, holds, spins);
    while (!s->held) usleep(100);
    _exit(7);
}
static void asleep(void) { with_a_thread(NULL); }
static void awake(void) { with_a_thread((void *)1); }
static void by_execve(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, holds, NULL);
    while (!s->held) usleep(100);
    execl(self, self, "again", "quietly", (char *)NULL);
    _exit(9);
}

/* What the next owner sees of a process that `act`s with the lock until it ends, or is killed. */
static void round_of(const char *name, void (*act)(void), int number, int blocked) {
    int status;
    pthread_t thread;
    void *result = (void *)(long)EOWNERDEAD;
    s->held = 0;
    pid_t pid = fork();
    if (pid == 0) act();
    while (!s->held) usleep(100);
    if (blocked) {
        pthread_create(&thread, NULL, waits, NULL);
        usleep(20000);
    }
    if (number) kill(pid, number);
    waitpid(pid, &status, 0);
    if (blocked) pthread_join(thread, &result);
    else result = waits(NULL);
    printf("%s: status %d, %s", name, status & ~0x80, strerror((int)(long)result));
    pthread_mutex_consistent(&s->lock);
    if (blocked) {
        puts("");
        pthread_mutex_destroy(&s->lock);
    } else {
        printf(", given back %d, other %s\n", pthread_mutex_unlock(&s->lock),
               strerror(pthread_mutex_lock(&s->other)));
        pthread_mutex_consistent(&s->other);
        pthread_mutex_unlock(&s->other);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    pthread_mutexattr_t robust;
    pthread_t thread;
    void *result;
    if (argc > 2) return 5;
    self = argc > 1 ? argv[1] : NULL;
    s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
    SHOW(pthread_mutex_init(&s->lock, &robust));
    SHOW(pthread_mutex_init(&s->other, &robust));

    pthread_create(&thread, NULL, dies, NULL);
    pthread_join(thread, NULL);
    SHOW(pthread_mutex_lock(&s->lock) == EOWNERDEAD);
    SHOW(pthread_mutex_consistent(&s->lock));
    pthread_create(&thread, NULL, waits, NULL);
    usleep(1000);
    SHOW(pthread_mutex_unlock(&s->lock));
    pthread_join(thread, &result);
    SHOW((long)result);
    SHOW(pthread_mutex_trylock(&s->lock) == EOWNERDEAD);
    SHOW(pthread_mutex_consistent(&s->lock));
    SHOW(pthread_mutex_unlock(&s->lock));

    round_of("killed while it sleeps", by_signal, SIGKILL, 0);
    round_of("killed while it runs", while_running, SIGKILL, 0);
    round_of("terminated", by_signal, SIGTERM, 0);
    round_of("fault", by_fault, 0, 0);
    round_of("exit of another thread", asleep, 0, 0);
    round_of("exit beside a running thread", awake, 0, 0);
    if (self) round_of("execve of another thread", by_execve, 0, 0);
    round_of("killed while another waits", by_signal, SIGKILL, 1);

    SHOW(pthread_mutex_init(&s->lock, &robust));
    pid_t pid = fork();
    if (pid == 0) _exit(pthread_mutex_lock(&s->lock));
    waitpid(pid, NULL, 0);
    SHOW(pthread_mutex_lock(&s->lock) == EOWNERDEAD);
    SHOW(pthread_mutex_unlock(&s->lock));
    SHOW(pthread_mutex_lock(&s->lock) == ENOTRECOVERABLE);
    return 0;
}
