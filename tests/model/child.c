/* What the model's daemon runs.

   child write NAME FLAGS    writes lines when it starts, when its stdin says how many, and at SIGUSR1
   child listen NAME FLAGS   answers events and notes each in heard/NAME before it answers

   Every line says whose it is, from which channel and process, and its number, and how many signs
   follow: NAME CHANNEL PID NUMBER COUNT xxxx. It goes out in one write of less than a page, so the
   pipe takes all of it or nothing. How many went out stands in counts/NAME.PID at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *name, *flags;
static int counts = -1;
static long written[2];
static volatile sig_atomic_t asked;

static int has(char flag)
{
    return strchr(flags, flag) != NULL;
}

static void on_usr1(int signal)
{
    (void)signal;
    asked = 1;
}

/* One line to stdout (0) or stderr (1); of `fill` signs. */
static void say(int channel, int fill)
{
    char line[4096], count[24];
    int length = snprintf(line, 200, "%s %c %d %ld %d ", name, "oe"[channel], getpid(), written[channel] + 1, fill);

    memset(line + length, 'x', fill);
    length += fill;
    line[length++] = '\n';
    if (write(channel + 1, line, length) != length)
        _exit(4);
    written[channel]++;
    snprintf(count, sizeof count, "%019ld\n", written[channel]);
    if (pwrite(counts, count, 20, 20 * channel) != 20)
        _exit(5);
}

static void lines(long many)
{
    for (; many > 0; many--) {
        say(0, written[0] * 7 % 97);
        if (has('e') && many % 3 == 0)
            say(1, written[1] * 11 % 89);
    }
}

/* What its stdin says: a number of lines, or a letter for something else. */
static void obey(const char *line)
{
    long many = atol(line);

    if (many > 0)
        lines(many < 500 ? many : 500);
    else if (*line == 'l')
        say(0, 3900);
    else if (*line == 'q')
        exit(0);
    else if (*line == 'k')
        abort();
}

static void write_lines(void)
{
    char path[200], buffer[512], *end;
    size_t held = 0;
    struct pollfd in = { 0, POLLIN, 0 };
    struct sigaction action = { .sa_handler = on_usr1 };
    sigset_t usr1, before;

    snprintf(path, sizeof path, "counts/%s.%d", name, getpid());
    counts = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0644);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, &before);
    sigaction(SIGUSR1, &action, NULL);
    if (has('i'))
        signal(SIGTERM, SIG_IGN);
    lines(3);
    if (has('x'))
        exit(1);
    if (has('s'))
        in.fd = -1;
    for (;;) {
        if (asked) {
            asked = 0;
            lines(1);
        }
        if (ppoll(&in, 1, NULL, &before) <= 0)
            continue;
        ssize_t got = read(0, buffer + held, sizeof buffer - 1 - held);
        if (got <= 0)
            exit(0);
        held += got;
        buffer[held] = 0;
        while ((end = strchr(buffer, '\n')) != NULL) {
            *end = 0;
            obey(buffer);
            held -= end + 1 - buffer;
            memmove(buffer, end + 1, held + 1);
        }
        if (held == sizeof buffer - 1)
            held = 0;
    }
}

static void tell(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        exit(6);
}

/* Whether this is done for the first time; it is not done again when the event comes back. */
static int first_time(const char *what)
{
    char path[200];
    int file;

    snprintf(path, sizeof path, "heard/done-%s", what);
    file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file >= 0)
        close(file);
    return file >= 0;
}

/* The rest of the payload's last line, if it begins so: die-5 is to be died of once. */
static int is_order(const char *data, const char *order)
{
    return has('o') && strncmp(data, order, strlen(order)) == 0 && first_time(data);
}

static void read_all(char *into, size_t many)
{
    while (many > 0) {
        ssize_t got = read(0, into, many);
        if (got <= 0)
            exit(0);
        into += got;
        many -= got;
    }
}

static void listen_to_events(void)
{
    static char payload[1 << 20];
    char header[1024], path[200], note[600], event[100], *data, *at;
    size_t held, length, serial;
    int notes;

    snprintf(path, sizeof path, "heard/%s", name);
    notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    for (;;) {
        tell("READY\n");
        for (held = 0; held == 0 || header[held - 1] != '\n'; held++)
            read_all(header + held, 1);
        header[held - 1] = 0;
        length = atol(strstr(header, "len:") + 4);
        serial = atol(strstr(header, " serial:") + 8);
        sscanf(strstr(header, "eventname:") + 10, "%99s", event);
        if (length >= sizeof payload)
            exit(7);
        read_all(payload, length);
        payload[length] = 0;
        data = strrchr(payload, '\n');
        data = data != NULL ? data + 1 : payload;
        for (at = payload; *at != 0; at++)
            if (*at == '\n')
                *at = '|';
        if (strcmp(event, "REMOTE_COMMUNICATION") != 0)
            data = payload;
        snprintf(note, sizeof note, "%d %zu %s %.200s\n", getpid(), serial, event, data);
        if (write(notes, note, strlen(note)) < 0)
            exit(8);
        if (is_order(data, "die"))
            exit(3);
        else if (is_order(data, "hang"))
            for (;;)
                pause();
        else if (is_order(data, "nonsense"))
            tell("xyzzy, said the listener\n");
        else if (is_order(data, "fail"))
            tell("RESULT 4\nFAIL");
        else
            tell("RESULT 2\nOK");
    }
}

int main(int count, char **words)
{
    if (count < 4)
        return 2;
    name = words[2];
    flags = words[3];
    if (strcmp(words[1], "listen") == 0)
        listen_to_events();
    else
        write_lines();
    return 0;
}
