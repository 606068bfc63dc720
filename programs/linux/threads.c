/* Threads: mutexes, conditions, barriers, joins, thread-local storage, signals to threads. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long total, turn;
static int atomic_total;
static __thread int mine = 5;

static void *add(void *argument) {
    long id = (long)argument;
    mine += (int)id;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&lock);
        total += id;
        pthread_mutex_unlock(&lock);
        __atomic_add_fetch(&atomic_total, 1, __ATOMIC_SEQ_CST);
    }
    pthread_barrier_wait(&barrier);
    return (void *)(long)mine;
}

static void *in_turn(void *argument) {
    long id = (long)argument;
    pthread_mutex_lock(&lock);
    while (turn != id) pthread_cond_wait(&changed, &lock);
    printf("turn %ld\n", id);
    turn++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static volatile sig_atomic_t handled_in;
static pthread_t target;
static void handler(int number) {
    (void)number;
    handled_in = pthread_equal(pthread_self(), target) ? 1 : 2;
}
static void *sleeper(void *argument) {
    (void)argument;
    struct timespec wish = {50, 0};
    return (void *)(long)nanosleep(&wish, NULL);
}

int main(void) {
    pthread_t threads[6];
    void *result;
    pthread_barrier_init(&barrier, NULL, 6);
    for (long i = 0; i < 6; i++) SHOW(pthread_create(&threads[i], NULL, add, (void *)i));
    for (long i = 0; i < 6; i++) {
        pthread_join(threads[i], &result);
        printf("joined %ld\n", (long)result);
    }
    printf("%ld %d %d\n", total, atomic_total, mine);
    for (long i = 4; i >= 0; i--) pthread_create(&threads[i], NULL, in_turn, (void *)i);
    for (long i = 0; i < 5; i++) pthread_join(threads[i], NULL);

    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&lock);
    SHOW(pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
    pthread_mutex_unlock(&lock);

    signal(SIGUSR1, handler);
    pthread_create(&target, NULL, sleeper, NULL);
    usleep(20000);
    SHOW(pthread_kill(target, SIGUSR1));
    pthread_join(target, &result);
    SHOW((long)result);
    SHOW(handled_in);

    sem_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *number = (int *)(shared + 1);
    SHOW(sem_init(shared, 1, 0));
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 1000; i++) __atomic_add_fetch(number, 1, __ATOMIC_SEQ_CST);
        sem_post(shared);
        _exit(0);
    }
    for (int i = 0; i < 1000; i++) __atomic_add_fetch(number, 1, __ATOMIC_SEQ_CST);
    SHOW(sem_wait(shared));
    SHOW(*number);
    SHOW(waitpid(pid, NULL, 0) == pid);
    pid = fork();
    if (pid == 0) {
        pthread_create(&target, NULL, sleeper, NULL);
        usleep(1000);
        exit(9);
    }
    int status;
    SHOW(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 9);
    pthread_create(&threads[0], NULL, in_turn, (void *)5L);
    pthread_exit(NULL);
}
