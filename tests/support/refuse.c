/* Becomes the program that its arguments name, to which, and to whose children, the kernel
   refuses system calls: a filter of seccomp(2).

     refuse CALLS ERROR PROGRAM [ARGUMENT ...]

   CALLS are numbers with commas between them. One with ":2" is refused only where the
   argument of that number (from 0) is not 0. ERROR is the number of the error, or "kill":
   then who calls is killed by SIGSYS. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD BPF_LD | BPF_W | BPF_ABS
#define IS BPF_JMP | BPF_JEQ | BPF_K
#define ANSWER BPF_RET | BPF_K

static struct sock_filter steps[512];
static unsigned short length;

static void add(unsigned short code, unsigned int value, unsigned char no)
{
    steps[length++] = (struct sock_filter)BPF_JUMP(code, value, 0, no);
}

int main(int count, char **words)
{
    struct sock_fprog filter = { 0, steps };
    unsigned int answer;
    char *call;

    if (count < 4) {
        fprintf(stderr, "usage: refuse CALLS ERROR PROGRAM [ARGUMENT ...]\n");
        return 2;
    }
    answer = SECCOMP_RET_ERRNO | (unsigned int)atoi(words[2]);
    if (strcmp(words[2], "kill") == 0)
        answer = SECCOMP_RET_KILL_PROCESS;
    add(LOAD, offsetof(struct seccomp_data, nr), 0);
    for (call = strtok(words[1], ","); call != NULL && length < 500; call = strtok(NULL, ",")) {
        char *colon = strchr(call, ':');

        add(IS, (unsigned int)atoi(call), colon == NULL ? 1 : 4);
        if (colon != NULL) {
            /* The low half of the argument, on machines that have it first. */
            add(LOAD, offsetof(struct seccomp_data, args) + 8 * (unsigned int)atoi(colon + 1), 0);
            add(IS, 0, 1);
            add(ANSWER, SECCOMP_RET_ALLOW, 0);
        }
        add(ANSWER, answer, 0);
    }
    add(ANSWER, SECCOMP_RET_ALLOW, 0);
    filter.len = length;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
        perror("refuse: seccomp");
        return 2;
    }
    /* Not execve(2), which may be refused. */
    syscall(SYS_execveat, AT_FDCWD, words[3], words + 3, environ, 0);
    perror(words[3]);
    return 127;
}
