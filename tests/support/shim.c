/* Preloaded into a daemon under test: see c.rs. Orders are read at every call,
   by system calls alone, so that nothing is left open and errno is kept. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The number in a file of the directory, 0 if there is none. */
static long order(const char *name)
{
    int kept = errno, descriptor;
    char path[512], text[32];
    long length, number = 0;
    const char *directory = getenv("SHIM");

    if (directory == NULL)
        return 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    descriptor = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        length = syscall(SYS_read, descriptor, text, sizeof text - 1);
        text[length > 0 ? length : 0] = 0;
        number = atol(text);
        syscall(SYS_close, descriptor);
    }
    errno = kept;
    return number;
}

static int fails(const char *name)
{
    long number = order(name);

    if (number != 0)
        errno = number;
    return number != 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += order("clock");
    return result;
}

time_t time(time_t *result)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (result != NULL)
        *result = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    result->tv_sec = now.tv_sec;
    result->tv_usec = now.tv_nsec / 1000;
    return 0;
}

pid_t fork(void)
{
    pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");

    return fails("fork") ? -1 : real();
}

int pipe2(int ends[2], int flags)
{
    return fails("pipe2") ? -1 : syscall(SYS_pipe2, ends, flags);
}

/* Sends nothing where it is to fail, and where -1 is ordered pretends to have sent. */
int kill(pid_t pid, int signal)
{
    if (order("kill") == -1)
        return 0;
    return fails("kill") ? -1 : syscall(SYS_kill, pid, signal);
}

int accept(int listener, struct sockaddr *restrict address, socklen_t *restrict length)
{
    return fails("accept") ? -1 : syscall(SYS_accept, listener, address, length);
}

/* Fails for files of which the name ends in "p.log". */
ssize_t write(int descriptor, const void *data, size_t length)
{
    char link[64], path[512];
    long size;

    if (order("write") != 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path);
        if (size >= 5 && memcmp(path + size - 5, "p.log", 5) == 0 && fails("write"))
            return -1;
    }
    return syscall(SYS_write, descriptor, data, length);
}
