/* The floor: what the system calls of a supervisor cost by themselves. Forks children,
 * each with a pipe for its output and one for its errors, starts whoever ends again,
 * and on SIGTERM ends them all. It reads no configuration, no output and no request.
 *
 *     floor COUNT COMMAND...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int output, errors;
};

static sigset_t waited;

static void start(struct child *child, char **command)
{
    int output[2], errors[2];
    if (pipe2(output, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0) {
        perror("pipe2");
        exit(1);
    }
    child->pid = fork();
    if (child->pid < 0) {
        perror("fork");
        exit(1);
    }
    if (child->pid == 0) {
        setpgid(0, 0);
        dup2(output[1], 1);
        dup2(errors[1], 2);
        sigprocmask(SIG_UNBLOCK, &waited, NULL);
        execv(command[0], command);
        _exit(127);
    }
    close(output[1]);
    close(errors[1]);
    child->output = output[0];
    child->errors = errors[0];
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    sigemptyset(&waited);
    sigaddset(&waited, SIGCHLD);
    sigaddset(&waited, SIGTERM);
    sigprocmask(SIG_BLOCK, &waited, NULL);

    int count = atoi(argv[1]);
    struct child *children = calloc((size_t)count, sizeof *children);
    for (int i = 0; i < count; i++)
        start(&children[i], argv + 2);
    for (;;) {
        if (sigwaitinfo(&waited, NULL) == SIGTERM)
            break;
        for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
            for (int i = 0; i < count; i++) {
                if (children[i].pid == pid) {
                    close(children[i].output);
                    close(children[i].errors);
                    start(&children[i], argv + 2);
                }
            }
        }
    }
    for (int i = 0; i < count; i++)
        kill(children[i].pid, SIGTERM);
    while (waitpid(-1, NULL, 0) > 0 || errno != ECHILD)
        ;
    return 0;
}
