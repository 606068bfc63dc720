// Files in /tmp: create, write, append, seek, overwrite, read back, truncate, rename, remove.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    char path[] = "/tmp/ncpu-file-XXXXXX", renamed[64], line[80];
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    FILE *f = fdopen(fd, "w+");
    for (int i = 0; i < 200; i++) fprintf(f, "line %03d\n", i);
    printf("at %ld\n", ftell(f));
    fseek(f, 9 * 50, SEEK_SET);
    printf("%s", fgets(line, sizeof line, f));
    fseek(f, 9 * 51, SEEK_SET);
    fputs("LINE", f);
    fseek(f, -9, SEEK_END);
    printf("%s", fgets(line, sizeof line, f));
    printf("%d %d\n", fgetc(f), feof(f) != 0);
    fclose(f);
    f = fopen(path, "a");
    fwrite("tail", 1, 4, f);
    fclose(f);
    f = fopen(path, "r");
    unsigned sum = 0, n = 0;
    for (int c; (c = getc(f)) != EOF; n++) sum = sum * 31 + (unsigned)c;
    printf("%u bytes %08x\n", n, sum);
    rewind(f);
    for (int i = 0; i < 52; i++) fgets(line, sizeof line, f);
    printf("%sungetc %c\n", line, (ungetc('@', f), getc(f)));
    fclose(f);
    struct stat st;
    printf("stat %d size %ld regular %d\n", stat(path, &st), (long)st.st_size, S_ISREG(st.st_mode));
    fd = open(path, O_RDWR);
    char buffer[8] = {0};
    printf("pread %zd", pread(fd, buffer, 4, 1800));
    printf(" %s seek %ld\n", buffer, (long)lseek(fd, 2000, SEEK_SET));
    if (write(fd, "x", 1) != 1 || ftruncate(fd, 1900)) return 2;
    fstat(fd, &st);
    memset(buffer, 1, sizeof buffer);
    printf("size %ld hole %zd %d\n", (long)st.st_size, pread(fd, buffer, 8, 1850), buffer[0]);
    close(fd);
    snprintf(renamed, sizeof renamed, "%s.new", path);
    printf("rename %d gone %d\n", rename(path, renamed), access(path, F_OK) == -1 && errno == ENOENT);
    printf("unlink %d again %d\n", unlink(renamed), unlink(renamed));
    return 0;
}
