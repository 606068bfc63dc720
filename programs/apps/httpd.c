// A web server for the files of its working directory, one connection after another.
//
//   httpd PORT          serves on that port
//   httpd --stdin       answers the requests on standard input, as one connection's
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 4096, MAX_HEADERS = 100 };

struct request {
    char method[16], path[LINE];
    int minor, keep;  // HTTP/1.minor; whether the connection stays
};

static const struct {
    int status;
    const char *reason;
} reasons[] = {{200, "OK"}, {400, "Bad Request"}, {403, "Forbidden"}, {404, "Not Found"},
               {405, "Method Not Allowed"}, {414, "URI Too Long"}, {505, "HTTP Version Not Supported"}};

static const struct {
    const char *ending, *type;
} types[] = {{".html", "text/html; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"},
             {".css", "text/css"}, {".js", "text/javascript"}, {".json", "application/json"},
             {".png", "image/png"}, {".svg", "image/svg+xml"}};

static const char *type_of(const char *path) {
    size_t length = strlen(path);
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = strlen(types[i].ending);
        if (length >= n && !strcasecmp(path + length - n, types[i].ending)) return types[i].type;
    }
    return "application/octet-stream";
}

static const char *reason_of(int status) {
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status) return reasons[i].reason;
    return "";
}

static void head(FILE *out, const struct request *r, int status, const char *type, long length) {
    fprintf(out, "HTTP/1.%d %d %s\r\nServer: ncpu\r\nContent-Type: %s\r\nContent-Length: %ld\r\n",
            r->minor, status, reason_of(status), type, length);
    if (status == 405) fputs("Allow: GET, HEAD\r\n", out);
    fprintf(out, "Connection: %s\r\n\r\n", r->keep ? "keep-alive" : "close");
}

static void page(FILE *out, const struct request *r, int status, const char *title,
                 const char *body) {
    char text[2 * LINE];
    int n = snprintf(text, sizeof text,
                     "<!doctype html><title>%s</title>\n<h1>%s</h1>\n%s", title, title, body);
    if (n >= (int)sizeof text) n = (int)sizeof text - 1;
    head(out, r, status, types[0].type, n);
    if (strcmp(r->method, "HEAD")) fwrite(text, 1, (size_t)n, out);
}

static void refuse(FILE *out, struct request *r, int status) {
    char title[64];
    // What is wrong with a request's form leaves its end unknown.
    if (status != 403 && status != 404 && status != 405) r->keep = 0;
    snprintf(title, sizeof title, "%d %s", status, reason_of(status));
    page(out, r, status, title, "");
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void escaped(char *to, size_t room, const char *name) {
    size_t n = 0;
    for (; *name && n + 7 < room; name++) {
        if (isalnum((unsigned char)*name) || strchr("-_./", *name)) to[n++] = *name;
        else n += (size_t)snprintf(to + n, room - n, "&#%d;", (unsigned char)*name);
    }
    to[n] = 0;
}

static void listing(FILE *out, const struct request *r, DIR *directory) {
    char *names[256], body[LINE] = "<ul>\n", name[512], folder[512];
    int count = 0;
    escaped(folder, sizeof folder, r->path[1] ? r->path : "");
    size_t n = strlen(body);
    for (struct dirent *entry; (entry = readdir(directory)) && count < 256;)
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 0; i < count; free(names[i++])) {
        escaped(name, sizeof name, names[i]);
        if (n + strlen(folder) + 2 * strlen(name) + 40 < sizeof body)
            n += (size_t)sprintf(body + n, "<li><a href=\"%s/%s\">%s</a>\n", folder, name, name);
    }
    sprintf(body + n, "</ul>\n");
    page(out, r, 200, "Files", body);
}

// %41 to A in place; 0 for what is no path: a zero byte, a wrong code, a way up.
static int decode(char *path) {
    char *to = path;
    for (const char *p = path; *p; p++) {
        if (*p == '?') break;
        if (*p == '%') {
            char digits[3] = {p[1], p[1] ? p[2] : 0, 0};
            if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1])) return 0;
            *to = (char)strtol(digits, NULL, 16);
            if (!*to++) return 0;
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = 0;
    for (const char *part = path; (part = strstr(part, "..")); part += 2)
        if ((part == path || part[-1] == '/') && (part[2] == '/' || !part[2])) return 0;
    return path[0] == '/';
}

static void answer(FILE *out, struct request *r) {
    char path[LINE + 16] = ".", buffer[LINE];
    struct stat info;
    size_t n;
    if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD")) {
        refuse(out, r, 405);
        return;
    }
    if (!decode(r->path)) {
        refuse(out, r, 400);
        return;
    }
    strcat(path, r->path);
    DIR *directory = opendir(path);
    if (directory) strcat(path, "/index.html");
    FILE *file = !stat(path, &info) && S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
    if (file) {
        head(out, r, 200, type_of(path), (long)info.st_size);
        while (strcmp(r->method, "HEAD") && (n = fread(buffer, 1, sizeof buffer, file)) > 0)
            fwrite(buffer, 1, n, out);
        fclose(file);
    } else if (directory) {
        listing(out, r, directory);
    } else {
        refuse(out, r, errno == EACCES ? 403 : 404);
    }
    if (directory) closedir(directory);
}

// A line without its end; -1 where it ends too early, 0 where it is too long.
static int get_line(FILE *in, char *line, int room) {
    if (!fgets(line, room, in)) return -1;
    size_t n = strlen(line);
    if (!n || line[n - 1] != '\n') return feof(in) ? -1 : 0;
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = 0;
    return 1;
}

// One request and its answer; 0 when the connection is to be closed.
static int serve(FILE *in, FILE *out, int keep) {
    char line[LINE], version[16];
    struct request r = {.minor = 1};
    int got = get_line(in, line, sizeof line), status = 0, left = MAX_HEADERS;
    if (got < 0) return 0;
    if (!got) status = 414;
    else if (sscanf(line, "%15s %4095s %15s", r.method, r.path, version) != 3) status = 400;
    else if (!strcmp(version, "HTTP/1.0")) r.minor = 0;
    else if (strcmp(version, "HTTP/1.1")) status = strncmp(version, "HTTP/", 5) ? 400 : 505;
    r.keep = keep && r.minor == 1;
    while (!status && (got = get_line(in, line, sizeof line)) == 1 && line[0]) {
        if (!strchr(line, ':') || !left--) status = 400;
        // A body would have to be read over; there is none in what is served here.
        if (!strncasecmp(line, "content-length:", 15) && atol(line + 15)) r.keep = 0;
        if (!strncasecmp(line, "transfer-encoding:", 18)) r.keep = 0;
        if (!strncasecmp(line, "connection:", 11)) r.keep = keep && strcasestr(line, "keep-alive");
    }
    if (got < 0) return 0;
    if (!status && got == 0) status = 400;
    if (status) refuse(out, &r, status);
    else answer(out, &r);
    fprintf(stderr, "%s %s\n", r.method, r.path);
    return !fflush(out) && r.keep;
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (server < 0) return -1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 16)) return -1;
    return server;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--stdin")) {
        while (serve(stdin, stdout, 1)) continue;
        return 0;
    }
    int port = argc == 2 ? atoi(argv[1]) : 0;
    if (port < 1 || port > 65535) {
        fprintf(stderr, "usage: httpd PORT | httpd --stdin\n");
        return 2;
    }
    int server = listen_on(port);
    if (server < 0) {
        fprintf(stderr, "httpd: port %d: %s\n", port, strerror(errno));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);  // a browser that leaves ends its connection, not the server
    fprintf(stderr, "serving on port %d\n", port);
    for (;;) {
        int connection = accept(server, NULL, NULL);
        if (connection < 0) {
            if (errno == EINTR) continue;
            fprintf(stderr, "httpd: %s\n", strerror(errno));
            return 1;
        }
        FILE *in = fdopen(connection, "rb"), *out = fdopen(dup(connection), "wb");
        // One request each: a connection kept idle would keep all others waiting.
        if (in && out) serve(in, out, 0);
        if (out) fclose(out);
        if (in) fclose(in);
    }
}
