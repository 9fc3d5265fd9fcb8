/* Runs a command so many times, one after the other, and prints for each how long it took
 * from its start until it was waited for, in nanoseconds. Its output goes to /dev/null.
 *
 *     times ROUNDS COMMAND...
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    for (int round = atoi(argv[1]); round > 0; round--) {
        pid_t pid;
        int status = 0;
        long long begin = now();
        if ((errno = posix_spawn(&pid, argv[2], &quiet, NULL, argv + 2, environ)) != 0) {
            perror(argv[2]);
            return 1;
        }
        waitpid(pid, &status, 0);
        long long taken = now() - begin;
        /* supervisorctl status tells with 3 that something is stopped. */
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 3)) {
            fprintf(stderr, "times: %s failed\n", argv[2]);
            return 1;
        }
        printf("%lld\n", taken);
    }
    return 0;
}
