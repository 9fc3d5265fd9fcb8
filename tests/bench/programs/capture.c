/* The floor of capturing output: what the system calls cost by themselves. Forks children
 * whose output comes through a pipe each, waits for all of them at once, and appends to
 * a file each what one read of a pipe gives.
 *
 *     capture COUNT FOLDER COMMAND...
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static char buffer[65536];

struct child {
    int output, log;
};

static int start(struct child *child, const char *folder, int number, char **command)
{
    char path[4096];
    int output[2];
    snprintf(path, sizeof path, "%s/w%04d.log", folder, number);
    child->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (child->log < 0 || pipe2(output, O_CLOEXEC) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(output[1], 1);
        execv(command[0], command);
        _exit(127);
    }
    close(output[1]);
    child->output = output[0];
    return pid;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    int count = atoi(argv[1]);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct child *children = calloc((size_t)count, sizeof *children);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &children[i]};
        if (start(&children[i], argv[2], i, argv + 3) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, children[i].output, &event) < 0) {
            perror("capture");
            return 1;
        }
    }
    for (;;) {
        struct epoll_event ready[64];
        int found = epoll_wait(epoll, ready, 64, -1);
        for (int i = 0; i < found; i++) {
            struct child *child = ready[i].data.ptr;
            ssize_t got = read(child->output, buffer, sizeof buffer);
            if (got <= 0 || write(child->log, buffer, (size_t)got) != got)
                return 1;
        }
    }
}
