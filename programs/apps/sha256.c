// SHA-256 of files, or of standard input: the lines that sha256sum prints.
#include "sha256.h"

#include <errno.h>
#include <stdio.h>

static int hash(FILE *file, const char *name) {
    static uint8_t buffer[1 << 16];
    uint8_t digest[SHA256_SIZE];
    struct sha256 s;
    size_t n;
    sha256_init(&s);
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) sha256_add(&s, buffer, n);
    if (ferror(file)) return 1;
    sha256_end(&s, digest);
    for (int i = 0; i < SHA256_SIZE; i++) printf("%02x", digest[i]);
    printf("  %s\n", name);
    return 0;
}

int main(int argc, char **argv) {
    int failed = 0;
    if (argc == 1) return hash(stdin, "-");
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || hash(file, argv[i])) {
            fprintf(stderr, "sha256: %s: %s\n", argv[i], strerror(errno));
            failed = 1;
        }
        if (file) fclose(file);
    }
    return failed;
}
