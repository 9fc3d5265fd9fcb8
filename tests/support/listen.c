/* A server as sd_listen_fds(3) has it: it takes the listening sockets from descriptor 3 on, if
 * they are meant for this process, and answers each connection with its pid, its name (its first
 * argument), the name of the socket and how it found it. Further arguments: "ready" writes a line
 * to the descriptor behind the sockets; "nonblocking" leaves the sockets so; "shut" shuts all of
 * them down after the first answer. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 64

static int is_given(int count, char **words, const char *word)
{
    for (int i = 2; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return 1;
    return 0;
}

int main(int count, char **words)
{
    const char *pid = getenv("LISTEN_PID"), *number = getenv("LISTEN_FDS");
    char *names = getenv("LISTEN_FDNAMES");
    if (pid == NULL || number == NULL || names == NULL || atoi(pid) != getpid()) {
        fprintf(stderr, "not for me: %s\n", pid ? pid : "no LISTEN_PID");
        return 3;
    }
    int sockets = atoi(number);
    const char *name[MOST];
    const char *blocks[MOST];
    struct pollfd all[MOST];
    for (int i = 0; i < sockets && i < MOST; i++) {
        int accepts = 0;
        socklen_t size = sizeof accepts;
        getsockopt(3 + i, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size);
        int flags = fcntl(3 + i, F_GETFL);
        name[i] = strsep(&names, ":");
        if (!accepts || name[i] == NULL) {
            fprintf(stderr, "descriptor %d does not listen\n", 3 + i);
            return 4;
        }
        blocks[i] = flags & O_NONBLOCK ? "nonblocking" : "blocking";
        if (is_given(count, words, "nonblocking"))
            fcntl(3 + i, F_SETFL, flags | O_NONBLOCK);
        all[i].fd = 3 + i;
        all[i].events = POLLIN;
    }
    if (is_given(count, words, "ready") && write(3 + sockets, "\n", 1) != 1)
        return 5;
    for (;;) {
        poll(all, sockets, -1);
        for (int i = 0; i < sockets; i++) {
            if (!(all[i].revents & POLLIN))
                continue;
            int client = accept(all[i].fd, NULL, NULL);
            if (client < 0)
                continue;
            dprintf(client, "%d %s %s %s\n", getpid(), words[1], name[i], blocks[i]);
            close(client);
            if (is_given(count, words, "shut"))
                for (int j = 0; j < sockets; j++)
                    shutdown(3 + j, SHUT_RDWR);
        }
    }
}
