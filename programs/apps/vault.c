// A password vault: names and secrets in one file, encrypted and authenticated.
//
//   vault FILE init [ROUNDS] | list | get NAME | set NAME | remove NAME
//
// The master password is the first line of the input, a secret to set the second; at a terminal
// neither is shown.  The file: magic, rounds (4 bytes, big endian), salt (16), counter (16), the
// entries under AES-128-CTR, HMAC-SHA-256 of all that.  Both keys are PBKDF2's: 16 + 32 bytes.
#include "aes.h"
#include "sha256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

enum { MAGIC = 8, ROUNDS_AT = 8, SALT_AT = 12, COUNTER_AT = 28, HEAD = 44, ROOM = 1 << 16 };
#define MAGIC_TEXT "NVAULT1\n"

static uint8_t file[HEAD + ROOM + SHA256_SIZE];
static char *const entries = (char *)file + HEAD;  // "name\tsecret\n" each
static size_t size;                                // of the entries
static char password[256];

static void fail(const char *message) {
    fprintf(stderr, "vault: %s\n", message);
    exit(1);
}

static void ask(const char *prompt, char *line, int room) {
    struct termios shown, hidden;
    int terminal = !tcgetattr(0, &shown);
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(0, TCSAFLUSH, &hidden);
        fprintf(stderr, "%s: ", prompt);
    }
    char *got = fgets(line, room, stdin);
    if (terminal) {
        tcsetattr(0, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (!got) fail("no password: the input has ended");
    line[strcspn(line, "\n")] = 0;
}

static uint32_t rounds(void) {
    const uint8_t *p = file + ROUNDS_AT;
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

// Encrypts or decrypts the entries in place; the tag is that of the encrypted file.
static void seal(int opening, uint8_t tag[SHA256_SIZE]) {
    uint8_t keys[16 + 32];
    struct aes cipher;
    struct hmac mac;
    pbkdf2(password, file + SALT_AT, 16, rounds(), keys, sizeof keys);
    aes_init(&cipher, keys);
    if (!opening) aes_ctr(&cipher, file + COUNTER_AT, (uint8_t *)entries, size);
    hmac_init(&mac, keys + 16, 32);
    sha256_add(&mac.inner, file, HEAD + size);
    hmac_end(&mac, tag);
    if (opening) aes_ctr(&cipher, file + COUNTER_AT, (uint8_t *)entries, size);
}

static void load(const char *path) {
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(file, 1, sizeof file, f) : 0;
    if (!f) fail(strerror(errno));
    fclose(f);
    if (n < HEAD + SHA256_SIZE || n == sizeof file || memcmp(file, MAGIC_TEXT, MAGIC))
        fail("this is no vault");
    uint8_t stored[SHA256_SIZE], tag[SHA256_SIZE], different = 0;
    size = n - HEAD - SHA256_SIZE;
    memcpy(stored, entries + size, sizeof stored);
    seal(1, tag);
    // All bytes are compared, so the time says nothing about where they differ.
    for (int i = 0; i < SHA256_SIZE; i++) different |= stored[i] ^ tag[i];
    if (different) fail("wrong password, or the file was changed");
}

// A new salt and counter each time: no key stream is ever used twice.
static void save(const char *path) {
    char temporary[4096];
    memcpy(file, MAGIC_TEXT, MAGIC);
    if (getrandom(file + SALT_AT, HEAD - SALT_AT, 0) != HEAD - SALT_AT) fail("no random bytes");
    size_t n = size;
    uint8_t tag[SHA256_SIZE];
    seal(0, tag);
    memcpy(entries + n, tag, sizeof tag);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *f = fopen(temporary, "wb");
    if (!f) fail(strerror(errno));
    int written = fwrite(file, 1, HEAD + n + sizeof tag, f) == HEAD + n + sizeof tag;
    if (fclose(f) || !written || rename(temporary, path)) fail(strerror(errno));
}

// The entry of a name, NULL where there is none; its end is after the line's end.
static char *find(const char *name, char **end) {
    size_t length = strlen(name);
    for (char *p = entries; p < entries + size; p = *end) {
        *end = (char *)memchr(p, '\n', (size_t)(entries + size - p)) + 1;
        if (!strncmp(p, name, length) && p[length] == '\t') return p;
    }
    return NULL;
}

static int drop(const char *name) {
    char *end, *p = find(name, &end);
    if (!p) return 0;
    memmove(p, end, (size_t)(entries + size - end));
    size -= (size_t)(end - p);
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 3) fail("usage: vault FILE init [ROUNDS] | list | get NAME | set NAME | remove NAME");
    const char *path = argv[1], *command = argv[2], *name = argc > 3 ? argv[3] : "";
    int named = !strcmp(command, "get") || !strcmp(command, "set") || !strcmp(command, "remove");
    if (!named && strcmp(command, "init") && strcmp(command, "list")) fail("no such command");
    if (named && (!*name || strpbrk(name, "\t\n"))) fail("a name is needed, without tabs");
    ask("password", password, sizeof password);
    if (!strcmp(command, "init")) {
        unsigned long count = *name ? strtoul(name, NULL, 10) : 10000;
        if (!access(path, F_OK)) fail("the file exists");
        if (!count || count > 100000000) fail("rounds are 1 to 100000000");
        for (int i = 0; i < 4; i++) file[ROUNDS_AT + i] = (uint8_t)(count >> (24 - 8 * i));
        save(path);
        return 0;
    }
    load(path);
    char *end, *found = named ? find(name, &end) : NULL;
    if (!strcmp(command, "list")) {
        for (char *p = entries; p < entries + size; p = strchr(p, '\n') + 1)
            printf("%.*s\n", (int)strcspn(p, "\t"), p);
    } else if (!strcmp(command, "set")) {
        char secret[1024];
        ask("secret", secret, sizeof secret);
        drop(name);
        if (size + strlen(name) + strlen(secret) + 2 > ROOM) fail("the vault is full");
        size += (size_t)sprintf(entries + size, "%s\t%s\n", name, secret);
        save(path);
    } else if (!found) {
        fail("no such name");
    } else if (!strcmp(command, "get")) {
        found += strlen(name) + 1;
        fwrite(found, 1, (size_t)(end - found), stdout);
    } else {
        drop(name);
        save(path);
    }
    return 0;
}
