/* What is supervised: tells through a FIFO who it is and when its main began, then
 * sleeps until it is ended, or becomes another program.
 *
 *     mark FIFO [COMMAND...]
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int fifo = argc > 1 ? open(argv[1], O_WRONLY | O_CLOEXEC) : -1;
    if (fifo < 0)
        return 2;
    char line[64];
    int size = snprintf(line, sizeof line, "%d %lld\n", (int)getpid(), at.tv_sec * 1000000000LL + at.tv_nsec);
    /* Lines that are shorter than PIPE_BUF are not mixed. */
    if (write(fifo, line, (size_t)size) != size)
        return 2;
    close(fifo);
    if (argc > 2) {
        execv(argv[2], argv + 2);
        return 2;
    }
    for (;;)
        pause();
}
