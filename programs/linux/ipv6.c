/* AF_INET6 on the loopback: streams, datagrams, IPv4-mapped addresses, IPV6_V6ONLY. */
#include "check.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address at(const char *text, int port) {
    union address a = {0};
    if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) a.any.sa_family = AF_INET6;
    else if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) a.any.sa_family = AF_INET;
    a.v4.sin_port = htons(port);
    return a;
}
static socklen_t size(union address *a) {
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}
static int port_of(int fd) {
    union address a;
    socklen_t length = sizeof a;
    return getsockname(fd, &a.any, &length) < 0 ? -1 : ntohs(a.v4.sin_port);
}
static void show(const char *name, union address *a, socklen_t length) {
    char text[INET6_ADDRSTRLEN] = "none";
    const void *from = a->any.sa_family == AF_INET6 ? (void *)&a->v6.sin6_addr
                                                    : (void *)&a->v4.sin_addr;
    if (length > 2) inet_ntop(a->any.sa_family, from, text, sizeof text);
    printf("%s: family %d, %u bytes, %s%s\n", name, a->any.sa_family, length, text,
           a->v4.sin_port ? ", a port" : "");
    fflush(stdout);
}
static void names(const char *name, int fd) {
    union address a;
    socklen_t length = sizeof a;
    printf("%s ", name);
    if (!getsockname(fd, &a.any, &length)) show("is", &a, length);
    length = sizeof a;
    if (!getpeername(fd, &a.any, &length)) show("  to", &a, length);
}
static int make(int family, int kind, int only) {
    int fd = socket(family, kind, 0);
    if (only) SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only));
    return fd;
}
static int join(int fd, const char *text, int port) {
    union address a = at(text, port);
    return bind(fd, &a.any, size(&a));
}
static int call(int fd, const char *text, int port) {
    union address a = at(text, port);
    return connect(fd, &a.any, size(&a));
}
static long post(int fd, const char *data, const char *text, int port) {
    union address a = at(text, port);
    return sendto(fd, data, strlen(data), 0, &a.any, size(&a));
}
static void fetch(const char *name, int fd) {
    char text[100];
    union address from;
    socklen_t length = sizeof from;
    long got = recvfrom(fd, text, sizeof text, MSG_DONTWAIT, &from.any, &length);
    printf("%s got %.*s ", name, (int)(got < 0 ? 0 : got), text);
    if (got < 0) printf("%s\n", strerror(errno));
    else show("from", &from, length);
}
static void visit(int listener, int family, const char *text, int port) {
    char got[20] = "";
    int client = socket(family, SOCK_STREAM, 0);
    printf("family %d to %s: ", family, text);
    if (call(client, text, port)) {
        printf("%s\n", strerror(errno));
        close(client);
        return;
    }
    union address from;
    socklen_t length = sizeof from;
    int peer = accept(listener, &from.any, &length);
    show("accepted", &from, length);
    names("  client", client);
    names("  server", peer);
    write(client, "hello", 5);
    read(peer, got, sizeof got);
    write(peer, "back", 4);
    shutdown(peer, SHUT_WR);
    long answer = recv(client, got, sizeof got, MSG_WAITALL);
    printf("  %s %ld\n", got, answer);
    close(client);
    close(peer);
}
static void everyone(const char *where, int only) {
    int listener = make(AF_INET6, SOCK_STREAM, only);
    printf("-- listener at %s%s\n", where, only ? ", IPv6 only" : "");
    SHOW(join(listener, where, 0));
    SHOW(listen(listener, 8));
    names("listener", listener);
    int port = port_of(listener);
    visit(listener, AF_INET6, "::1", port);
    visit(listener, AF_INET6, "::", port);
    visit(listener, AF_INET6, "::ffff:127.0.0.1", port);
    visit(listener, AF_INET, "127.0.0.1", port);
    int other = make(AF_INET, SOCK_STREAM, 0), same = make(AF_INET6, SOCK_STREAM, 0);
    SHOW(join(other, "0.0.0.0", port));
    SHOW(join(same, "::1", port));
    close(other), close(same), close(listener);
}

int main(void) {
    everyone("::", 0);
    everyone("::", 1);
    everyone("::1", 0);
    everyone("::ffff:127.0.0.1", 0);

    int listener = make(AF_INET, SOCK_STREAM, 0);
    SHOW(join(listener, "127.0.0.1", 0));
    SHOW(listen(listener, 1));
    visit(listener, AF_INET6, "::ffff:127.0.0.1", port_of(listener));
    visit(listener, AF_INET6, "::1", port_of(listener));
    close(listener);

    int a = make(AF_INET6, SOCK_DGRAM, 0), b = make(AF_INET6, SOCK_DGRAM, 0);
    int c = make(AF_INET, SOCK_DGRAM, 0), only = make(AF_INET6, SOCK_DGRAM, 1), on = 1;
    SHOW(setsockopt(c, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    SHOW(join(a, "::", 0));
    SHOW(setsockopt(a, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    int port = port_of(a);
    SHOW(post(b, "six", "::1", port));
    fetch("a", a);
    SHOW(post(b, "mapped", "::ffff:127.0.0.1", port));
    fetch("a", a);
    SHOW(post(b, "plain", "127.0.0.1", port));
    fetch("a", a);
    SHOW(post(c, "four", "127.0.0.1", port));
    fetch("a", a);
    SHOW(post(only, "x", "::ffff:127.0.0.1", port));
    SHOW(post(c, "x", "::1", port));
    fetch("a", a);
    names("b", b);
    SHOW(call(b, "::1", port));
    names("b", b);
    SHOW(send(b, "connected", 9, 0));
    fetch("a", a);
    int d = make(AF_INET6, SOCK_DGRAM, 0);
    SHOW(call(d, "127.0.0.1", port));
    names("d", d);
    SHOW(call(only, "127.0.0.1", port));
    SHOW(call(only, "::ffff:127.0.0.1", port));
    SHOW(post(a, "back", "::ffff:127.0.0.1", port_of(c)));
    fetch("c", c);
    SHOW(post(a, "lost", "::1", 9));

    int e = socket(AF_INET6, SOCK_STREAM, 0), value = -1;
    socklen_t length = sizeof value;
    names("e", e);
    SHOW(getsockopt(e, IPPROTO_IPV6, IPV6_V6ONLY, &value, &length) == 0 && value == 0);
    SHOW(getsockopt(e, SOL_SOCKET, SO_DOMAIN, &value, &length) == 0 && value == AF_INET6);
    SHOW(setsockopt(e, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    union address wish = at("::1", 0);
    SHOW(bind(e, &wish.any, 20));
    wish.any.sa_family = AF_INET;
    SHOW(bind(e, &wish.any, sizeof wish.v6));
    SHOW(connect(e, &wish.any, sizeof wish.v6));
    SHOW(connect(e, &wish.any, sizeof wish.v4));
    SHOW(join(e, "2001:db8::1", 0));
    SHOW(setsockopt(e, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    SHOW(join(e, "::ffff:127.0.0.1", 0));
    SHOW(call(e, "::ffff:127.0.0.1", port));
    SHOW(join(e, "::", 0));
    SHOW(join(e, "::", 0));
    SHOW(socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP));
    int pair[2];
    SHOW(socketpair(AF_INET6, SOCK_STREAM, 0, pair));

    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    SHOW(getaddrinfo("::1", "80", &hints, &found));
    SHOW(found->ai_family == AF_INET6 && found->ai_addrlen == sizeof wish.v6);
    FILE *list = fopen("/proc/net/if_inet6", "r");
    char line[100] = "";
    while (list && fgets(line, sizeof line, list) && !strstr(line, " lo\n")) ;
    printf("%s", line);
    return 0;
}
