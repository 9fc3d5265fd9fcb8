/* Stands between a daemon under test and the kernel: see c.rs. It becomes the
   program that its arguments name, while a process of its own, which is nobody's
   child, traces that one (not its children) and looks for orders at every call.
   So it does for a static binary what a preloaded library could not.
   What is wrong at the start is told on the standard error, and later in the
   file shim.stderr of the directory. */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of the headers some have these and some do not. */
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#define GET_SYSCALL_INFO 0x420e
#define BEGIN_OF_CALL 1

typedef struct user_regs_struct registers;

#if defined(__x86_64__)
#define NUMBER(r) ((r).orig_rax)
#define RESULT(r) ((r).rax)
#define FIRST(r) ((r).rdi)
#define SECOND(r) ((r).rsi)
#define THIRD(r) ((r).rdx)
#define STACK(r) ((r).rsp)
#elif defined(__aarch64__)
#define NUMBER(r) ((r).regs[8])
#define RESULT(r) ((r).regs[0])
#define FIRST(r) ((r).regs[0])
#define SECOND(r) ((r).regs[1])
#define THIRD(r) ((r).regs[2])
#define STACK(r) ((r).sp)
#else
#error "where does this machine keep the number of a system call?"
#endif

static const char *directory;
static pid_t traced;
static int memory = -1;
/* Its timer of the wall clock, and by how much the clock was off when it was read last. */
static int timer = -1;
static long last_offset;

/* The number in a file of the directory, 0 if there is none. */
static long order(const char *name)
{
    char path[PATH_MAX], text[32];
    ssize_t length = 0;
    int file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    return atol(text);
}

static int get(registers *r)
{
    struct iovec all = { r, sizeof *r };

    return ptrace(PTRACE_GETREGSET, traced, NT_PRSTATUS, &all);
}

static int set(registers *r)
{
    struct iovec all = { r, sizeof *r };

    return ptrace(PTRACE_SETREGSET, traced, NT_PRSTATUS, &all);
}

/* Tells what an order came to nothing by, unless the traced process was killed meanwhile. */
static void complain(const char *what)
{
    int reason = errno;
    registers r;

    if (get(&r) == 0) {
        errno = reason;
        perror(what);
    }
}

/* A call that does not exist is made instead. */
static void leave_out(registers *r)
{
#if defined(__aarch64__)
    int none = -1;
    struct iovec number = { &none, sizeof none };

    (void)r;
    ptrace(PTRACE_SETREGSET, traced, NT_ARM_SYSTEM_CALL, &number);
#else
    NUMBER(*r) = -1;
    set(r);
#endif
}

/* Whether a descriptor is a file of which the name ends in "p.log". */
static int is_log(unsigned long descriptor)
{
    char link[64], path[PATH_MAX];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/%d/fd/%lu", traced, descriptor);
    size = readlink(link, path, sizeof path);
    return size >= 5 && memcmp(path + size - 5, "p.log", 5) == 0;
}

/* The order for a call, 0 where it is to be made as usual. */
static long order_for(const registers *r)
{
    switch (NUMBER(*r)) {
    case SYS_pipe2:
        return order("pipe2");
    case SYS_epoll_create1:
        return order("epoll");
#ifdef SYS_fork
    case SYS_fork:
        return order("fork");
#endif
    case SYS_clone:
        return FIRST(*r) & CLONE_THREAD ? 0 : order("fork");
    case SYS_kill:
        return order("kill");
    case SYS_accept:
    case SYS_accept4:
        return order("accept");
    case SYS_flock:
        return order("flock");
    case SYS_fcntl:
        return SECOND(*r) == F_OFD_SETLK ? order("flock") : 0;
    case SYS_timerfd_create:
        return order("timerfd");
    case SYS_inotify_init1:
        return order("inotify");
    case SYS_write:
        return is_log(FIRST(*r)) ? order("write") : 0;
    }
    return 0;
}

/* Has a timer of the wall clock told by the clock that is off. */
static void set_timer(const registers *r)
{
    unsigned long place = THIRD(*r) + offsetof(struct itimerspec, it_value);
    time_t seconds;

    if (!(SECOND(*r) & TFD_TIMER_ABSTIME))
        return;
    if (pread(memory, &seconds, sizeof seconds, place) == sizeof seconds) {
        seconds -= order("clock");
        if (pwrite(memory, &seconds, sizeof seconds, place) < 0)
            complain("shim: timer");
    }
}

/* The clock was set, which the timer tells as well. */
static void clock_was_set(void)
{
    struct itimerspec at_once = { { 0, 0 }, { 0, 1 } };
    int process = syscall(SYS_pidfd_open, traced, 0);
    int copy = syscall(SYS_pidfd_getfd, process, timer, 0);

    if (copy < 0 || timerfd_settime(copy, 0, &at_once, NULL) < 0)
        complain("shim: the clock was set");
    close(copy);
    close(process);
}

/* Sets the clock that a call has told. */
static void set_clock(registers *r, unsigned long number, unsigned long first, unsigned long second)
{
    int is_monotonic = number == SYS_clock_gettime && first == CLOCK_MONOTONIC;
    long offset = order(is_monotonic ? "monotonic" : "clock");
    unsigned long place = 0;
    time_t seconds;

    if (!is_monotonic && number == SYS_clock_gettime && offset != last_offset) {
        last_offset = offset;
        if (timer >= 0)
            clock_was_set();
    }
    if (offset == 0 || (long)RESULT(*r) < 0)
        return;
    if (is_monotonic || (number == SYS_clock_gettime && first == CLOCK_REALTIME))
        place = second;
    else if (number == SYS_gettimeofday)
        place = first;
#ifdef SYS_time
    else if (number == SYS_time) {
        RESULT(*r) += offset;
        set(r);
        place = first;
    }
#endif
    if (place != 0 && pread(memory, &seconds, sizeof seconds, place) == sizeof seconds) {
        seconds += offset;
        if (pwrite(memory, &seconds, sizeof seconds, place) < 0)
            complain("shim: clock");
    }
}

/* After an exec: hides the functions that the kernel maps into every program, by
   which it would read the clock without a call. */
static void hide_vdso(void)
{
    char path[64];
    unsigned long place, word, ignored = AT_IGNORE;
    int strings;
    registers r;

    if (memory >= 0)
        close(memory);
    snprintf(path, sizeof path, "/proc/%d/mem", traced);
    memory = open(path, O_RDWR | O_CLOEXEC);
    if (memory < 0 || get(&r) < 0) {
        complain("shim: memory of the process");
        return;
    }
    /* The number of arguments, these, a null, the environment, a null, and then pairs. */
    place = STACK(r) + sizeof word;
    for (strings = 0; strings < 2; place += sizeof word) {
        if (pread(memory, &word, sizeof word, place) != sizeof word) {
            complain("shim: memory of the process");
            return;
        }
        strings += word == 0;
    }
    for (; pread(memory, &word, sizeof word, place) == sizeof word && word != AT_NULL; place += 2 * sizeof word)
        if (word == AT_SYSINFO_EHDR && pwrite(memory, &ignored, sizeof ignored, place) < 0)
            complain("shim: vdso");
}

/* One stop of the traced process at the begin or the end of a call. */
static void at_call(void)
{
    static unsigned long number, first, second;
    static long ordered;
    unsigned char where;
    registers r;

    /* Which of the two it is, is the first byte of what is told. */
    if (ptrace(GET_SYSCALL_INFO, traced, sizeof where, &where) < 0 || get(&r) < 0) {
        complain("shim: a system call");
        return;
    }
    if (where == BEGIN_OF_CALL) {
        number = NUMBER(r);
        first = FIRST(r);
        second = SECOND(r);
        ordered = order_for(&r);
        if (ordered != 0)
            leave_out(&r);
        else if (number == SYS_timerfd_settime && (int)first == timer)
            set_timer(&r);
    } else if (ordered != 0) {
        /* With -1 it seems to have been made. */
        RESULT(r) = ordered == -1 ? 0 : -ordered;
        set(&r);
    } else if (number == SYS_timerfd_create && (long)RESULT(r) >= 0) {
        timer = RESULT(r);
    } else {
        set_clock(&r, number, first, second);
    }
}

/* From a stop of the traced process until it has ended. */
static void trace(int status)
{
    do {
        int event = status >> 16, signal = WSTOPSIG(status), request = PTRACE_SYSCALL;

        if (event == PTRACE_EVENT_EXEC) {
            hide_vdso();
            signal = 0;
        } else if (event == PTRACE_EVENT_STOP) {
            if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
                request = PTRACE_LISTEN;
            signal = 0;
        } else if (signal == (SIGTRAP | 0x80)) {
            at_call();
            signal = 0;
        }
        ptrace(request, traced, 0, signal);
    } while (waitpid(traced, &status, __WALL) == traced && WIFSTOPPED(status));
}

static void fail(const char *what)
{
    perror(what);
    _exit(2);
}

/* Takes hold of the process and tries all that is asked of the kernel later; its first stop. */
static int seize(void)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
    unsigned char where;
    registers r;
    int status;

    if (ptrace(PTRACE_SEIZE, traced, 0, options) < 0 || ptrace(PTRACE_INTERRUPT, traced, 0, 0) < 0)
        fail("shim: ptrace");
    if (waitpid(traced, &status, __WALL) != traced || !WIFSTOPPED(status))
        fail("shim: the process does not stop");
    if (ptrace(GET_SYSCALL_INFO, traced, sizeof where, &where) < 0)
        fail("shim: PTRACE_GET_SYSCALL_INFO, which Linux has since 5.3");
    if (get(&r) < 0)
        fail("shim: PTRACE_GETREGSET");
    return status;
}

/* Nobody is to wait for a stream of the tracer or for another descriptor that it was left. */
static void leave_streams(int kept)
{
    char path[PATH_MAX];
    int null = open("/dev/null", O_RDWR), complaints;
    DIR *all = opendir("/proc/self/fd");
    struct dirent *entry;

    snprintf(path, sizeof path, "%s/shim.stderr", directory);
    complaints = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (null < 0 || complaints < 0 || all == NULL)
        fail("shim: descriptors");
    dup2(null, 0);
    dup2(null, 1);
    dup2(complaints, 2);
    while ((entry = readdir(all)) != NULL) {
        int descriptor = atoi(entry->d_name);

        if (descriptor > 2 && descriptor != kept && descriptor != dirfd(all))
            close(descriptor);
    }
    closedir(all);
}

int main(int count, char **words)
{
    int ready[2];
    char byte = 0;
    pid_t between;

    if (count < 3) {
        fprintf(stderr, "usage: shim DIRECTORY PROGRAM [ARGUMENT ...]\n");
        return 2;
    }
    directory = words[1];
    traced = getpid();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    if (pipe2(ready, O_CLOEXEC) < 0 || (between = fork()) < 0) {
        perror("shim");
        return 2;
    }
    if (between == 0) {
        if (fork() == 0) {
            int status;

            setsid();
            status = seize();
            leave_streams(ready[1]);
            if (write(ready[1], &byte, 1) != 1)
                _exit(2);
            close(ready[1]);
            trace(status);
        }
        _exit(0);
    }
    waitpid(between, NULL, 0);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        return 2;
    execv(words[2], words + 2);
    perror(words[2]);
    return 127;
}
