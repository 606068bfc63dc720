/* What the programs of this folder share: one line for each result. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOW(expression) \
    do { \
        errno = 0; \
        long result_ = (long)(expression); \
        printf("%s = %ld %s\n", #expression, result_, result_ < 0 ? strerror(errno) : ""); \
        fflush(stdout); \
    } while (0)
