/* A child that writes when it is told to. It says through a FIFO that it is ready, and then for each
 * SIGUSR1 writes so many bytes in lines or blocks of a size, and says when it began and when the last
 * was taken from it. With a pause it waits so many microseconds after each. Blocks may hold lines of
 * a length, which their size has to be a multiple of.
 *
 *     flood FIFO BYTES SIZE [PAUSE [LENGTH]]
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    sigset_t told;
    sigemptyset(&told);
    sigaddset(&told, SIGUSR1);
    sigprocmask(SIG_BLOCK, &told, NULL);
    int fifo = open(argv[1], O_WRONLY | O_CLOEXEC);
    size_t size = strtoul(argv[3], NULL, 10);
    unsigned pause = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
    char *block = malloc(size);
    memset(block, 'x', size);
    size_t length_of_lines = argc > 5 ? strtoul(argv[5], NULL, 10) : size;
    for (size_t end = length_of_lines; end > 0 && end <= size; end += length_of_lines)
        block[end - 1] = '\n';
    char line[96];
    int length = snprintf(line, sizeof line, "%d %lld\n", (int)getpid(), now());
    for (;;) {
        if (fifo < 0 || write(fifo, line, (size_t)length) != length)
            return 2;
        int number;
        sigwait(&told, &number);
        long long begin = now();
        for (unsigned long long left = strtoull(argv[2], NULL, 10); left > 0;) {
            ssize_t count = write(1, block, left < size ? left : size);
            if (count < 0)
                return 2;
            left -= (unsigned long long)count;
            if (pause > 0)
                usleep(pause);
        }
        length = snprintf(line, sizeof line, "%d %lld %lld\n", (int)getpid(), begin, now());
    }
}
