/* AF_UNIX and AF_INET between processes: streams, datagrams, shutdown, descriptors passed. */
#include "check.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(void) {
    int pair[2], status;
    char text[200];
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    SHOW(write(pair[0], "over", 4));
    SHOW(recv(pair[1], text, 2, MSG_PEEK));
    SHOW(recv(pair[1], text, 100, 0));
    SHOW(recv(pair[1], text, 100, MSG_DONTWAIT));
    SHOW(shutdown(pair[0], SHUT_WR));
    SHOW(read(pair[1], text, 100));
    SHOW(write(pair[1], "back", 4));
    SHOW(read(pair[0], text, 100));
    close(pair[1]);
    SHOW(send(pair[0], "x", 1, MSG_NOSIGNAL));
    close(pair[0]);

    int server = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    SHOW(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    SHOW(bind(server, (struct sockaddr *)&address, sizeof address));
    SHOW(getsockname(server, (struct sockaddr *)&address, &length));
    SHOW(address.sin_port != 0 && length == sizeof address);
    SHOW(listen(server, 5));
    pid_t pid = fork();
    if (pid == 0) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address)) _exit(1);
        for (int i = 0; i < 3; i++) {
            int size = snprintf(text, sizeof text, "message %d\n", i);
            (void)!write(client, text, size);
        }
        shutdown(client, SHUT_WR);
        long size = recv(client, text, 16, MSG_WAITALL);
        _exit(size == 16 && !memcmp(text, "0123456789abcdef", 16) ? 0 : 2);
    }
    struct sockaddr_in from;
    length = sizeof from;
    int peer = accept(server, (struct sockaddr *)&from, &length);
    SHOW(peer >= 0 && from.sin_family == AF_INET && ntohl(from.sin_addr.s_addr) == INADDR_LOOPBACK);
    long total = 0, got;
    while ((got = read(peer, text, sizeof text)) > 0) total += got;
    SHOW(total);
    SHOW(write(peer, "01234567", 8));
    usleep(1000);
    SHOW(write(peer, "89abcdef", 8));
    waitpid(pid, &status, 0);
    SHOW(WEXITSTATUS(status));
    close(peer);
    close(server);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(late, (struct sockaddr *)&address, sizeof address));
    SHOW(send(late, "x", 1, MSG_NOSIGNAL));

    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_port = 0;
    SHOW(bind(a, (struct sockaddr *)&address, sizeof address));
    length = sizeof address;
    getsockname(a, (struct sockaddr *)&address, &length);
    SHOW(sendto(b, "first", 5, 0, (struct sockaddr *)&address, sizeof address));
    SHOW(sendto(b, "second message", 14, 0, (struct sockaddr *)&address, sizeof address));
    length = sizeof from;
    SHOW(recvfrom(a, text, 100, 0, (struct sockaddr *)&from, &length));
    SHOW(recv(a, text, 3, 0));
    SHOW(recv(a, text, 3, MSG_DONTWAIT));
    SHOW(connect(a, (struct sockaddr *)&from, sizeof from));
    SHOW(send(a, "answer", 6, 0));
    SHOW(recv(b, text, 100, 0));

    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "/tmp/ncpu-socket-%d", getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(listener, (struct sockaddr *)&local, sizeof local));
    SHOW(bind(listener, (struct sockaddr *)&local, sizeof local));
    SHOW(listen(listener, 1));
    if ((pid = fork()) == 0) {
        int client = socket(AF_UNIX, SOCK_STREAM, 0), ends[2];
        if (connect(client, (struct sockaddr *)&local, sizeof local) || pipe(ends)) _exit(1);
        char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'f';
        struct iovec vector = {&byte, 1};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                                 .msg_controllen = sizeof control};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &ends[0], sizeof(int));
        if (sendmsg(client, &message, 0) != 1) _exit(2);
        (void)!write(ends[1], "through a passed pipe", 21);
        _exit(0);
    }
    peer = accept(listener, NULL, NULL);
    char control[CMSG_SPACE(sizeof(int))], byte;
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    SHOW(recvmsg(peer, &message, 0));
    int passed = -1;
    if (CMSG_FIRSTHDR(&message)) memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
    waitpid(pid, &status, 0);
    SHOW(WEXITSTATUS(status));
    memset(text, 0, sizeof text);
    SHOW(read(passed, text, 100));
    puts(text);
    struct pollfd fds = {peer, POLLIN, 0};
    SHOW(poll(&fds, 1, 1000));
    SHOW(read(peer, text, 1));
    unlink(local.sun_path);
    SHOW(connect(late, (struct sockaddr *)&local, sizeof local));
    SHOW(socket(99, SOCK_STREAM, 0));
    return 0;
}
