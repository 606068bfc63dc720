// System calls that fail: the errno each leaves and its text, without any signal.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void report(const char *what, long result) {
    int code = errno;
    printf("%s: %ld errno %d %s\n", what, result, code, strerror(code));
    errno = 0;
}

int main(void) {
    char byte;
    report("open a missing file", open("/nowhere/at/all", O_RDONLY));
    report("read from a bad descriptor", read(99, &byte, 1));
    report("close a bad descriptor", close(-1));
    report("write to a read-only descriptor", write(open("/dev/null", O_RDONLY), "x", 1));
    report("open a folder for writing", open("/", O_WRONLY));
    report("a file used as a folder", open("/dev/null/x", O_RDONLY));
    report("make a folder that exists", mkdir("/tmp", 0777));
    report("seek from no known origin", lseek(open("/dev/zero", O_RDONLY), 0, 77));
    report("map no bytes", mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    report("unmap an odd address", munmap((void *)1, 4096));
    report("read into a bad address", read(open("/dev/zero", O_RDONLY), (void *)8, 4));
    // The C libraries word this one differently: only its number is printed.
    long result = open((char[5001]){[0 ... 4999] = 'a'}, O_RDONLY);
    printf("a name too long: %ld errno %d\n", result, errno);
    report("duplicate to a bad number", dup2(1, -5));
    return 0;
}
