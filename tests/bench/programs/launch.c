/* Starts a supervisor and prints two times in nanoseconds: from its start until the last
 * of so many children of it was executed (as the children tell, see mark.c), and from a
 * signal to it until it has ended. Whatever it leaves behind is ended, too.
 *
 *     launch FIFO COUNT SIGNAL COMMAND...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* Reads the lines of children; returns when the last of them began, or 0 when they do not come. */
static long long last_of(int fifo, int count)
{
    char text[65536];
    size_t have = 0;
    long long last = 0;
    while (count > 0) {
        struct pollfd ready = {.fd = fifo, .events = POLLIN};
        if (poll(&ready, 1, 60000) <= 0)
            return 0;
        ssize_t got = read(fifo, text + have, sizeof text - have - 1);
        if (got <= 0)
            return 0;
        have += (size_t)got;
        text[have] = 0;
        char *line = text;
        for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            long long stamp = atoll(strchr(line, ' ') + 1);
            if (stamp > last)
                last = stamp;
            count--;
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
    }
    return last;
}

/* What was orphaned has become a child of this program. */
static void end_the_rest(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (;;) {
        FILE *list = fopen(path, "r");
        int pid, found = 0;
        while (list != NULL && fscanf(list, "%d", &pid) == 1) {
            kill(pid, SIGKILL);
            found = 1;
        }
        if (list != NULL)
            fclose(list);
        if (!found)
            return;
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        usleep(1000);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: launch FIFO COUNT SIGNAL COMMAND...\n");
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int fifo = open(argv[1], O_RDWR | O_CLOEXEC);
    if (fifo < 0) {
        perror(argv[1]);
        return 1;
    }
    int stop_signal = atoi(argv[3]);
    pid_t pid;
    long long begin = now();
    if ((errno = posix_spawn(&pid, argv[4], NULL, NULL, argv + 4, environ)) != 0) {
        perror(argv[4]);
        return 1;
    }
    long long last = last_of(fifo, atoi(argv[2]));
    long long stop = 0;
    if (last != 0 && stop_signal != 0) {
        /* The supervisor finishes what it does after a start, and children that become another program do. */
        usleep(300000);
        long long signalled = now();
        kill(pid, stop_signal);
        for (int status; waitpid(-1, &status, WNOHANG) != pid && now() - signalled < 90000000000LL;)
            usleep(100);
        stop = now() - signalled;
    }
    end_the_rest();
    if (last == 0) {
        fprintf(stderr, "launch: the programs do not run in time\n");
        return 1;
    }
    printf("%lld %lld\n", last - begin, stop);
    return 0;
}
