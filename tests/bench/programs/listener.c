/* An event listener that tells through a FIFO what it has read and when: the time of the monotonic
 * and of the wall clock in nanoseconds, the name of the event, and the last word of its payload.
 *
 *     listener FIFO
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        exit(2);
}

int main(int argc, char **argv)
{
    static char header[4096], payload[1 << 20];
    int fifo = argc > 1 ? open(argv[1], O_WRONLY | O_CLOEXEC) : -1;
    if (fifo < 0)
        return 2;
    say("READY\n");
    while (fgets(header, sizeof header, stdin) != NULL) {
        char *length = strstr(header, " len:"), *event = strstr(header, "eventname:");
        if (length == NULL || event == NULL)
            return 2;
        size_t size = strtoul(length + 5, NULL, 10);
        if (size >= sizeof payload || fread(payload, 1, size, stdin) != size)
            return 2;
        payload[size] = 0;
        long long monotonic = now(CLOCK_MONOTONIC), wall = now(CLOCK_REALTIME);
        char name[64] = "", last[64] = "-", line[256];
        sscanf(event + 10, "%63s", name);
        char *space = strrchr(payload, ' ');
        char *end = strrchr(payload, '\n');
        const char *word = end > space ? end + 1 : space != NULL ? space + 1 : payload;
        sscanf(word, "%63s", last);
        int count = snprintf(line, sizeof line, "%lld %lld %s %s\n", monotonic, wall, name, last);
        if (write(fifo, line, (size_t)count) != count)
            return 2;
        say("RESULT 2\nOKREADY\n");
    }
    return 0;
}
