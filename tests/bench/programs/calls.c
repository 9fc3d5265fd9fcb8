/* Calls one XML-RPC method over a kept connection to a unix socket for some
 * seconds, one call after the other, and prints how many were answered in a
 * second and how many in all. Its parameters are strings, or none. The same
 * client for every server, and quick enough not to be what is measured.
 *
 *     calls SOCKET METHOD SECONDS [PARAMETER...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char answer[1 << 20];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

/* Reads one response with a Content-Length. */
static void take_response(int server)
{
    size_t have = 0, whole = 0;
    while (whole == 0 || have < whole) {
        /* What follows the head needs no room of its own. */
        size_t room = whole == 0 ? sizeof answer - 1 - have : sizeof answer - 1;
        ssize_t count = read(server, answer + (whole == 0 ? have : 0), room);
        if (count <= 0)
            fail("read");
        have += (size_t)count;
        if (whole == 0) {
            answer[have] = 0;
            char *end = strstr(answer, "\r\n\r\n");
            if (end == NULL)
                continue;
            char *length = strstr(answer, "Content-Length: ");
            if (strncmp(answer + 8, " 200 ", 5) != 0 || length == NULL || length > end) {
                fprintf(stderr, "%.*s\n", (int)(end - answer), answer);
                exit(1);
            }
            whole = (size_t)(end + 4 - answer) + strtoul(length + 16, NULL, 10);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: calls SOCKET METHOD SECONDS [PARAMETER...]\n");
        return 2;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect");

    char parameters[1024] = "", body[2048], request[4096];
    for (int i = 4; i < argc; i++) {
        size_t used = strlen(parameters);
        snprintf(parameters + used, sizeof parameters - used,
                 "<param>\n<value><string>%s</string></value>\n</param>\n", argv[i]);
    }
    int length = snprintf(body, sizeof body,
                          "<?xml version='1.0'?>\n<methodCall>\n<methodName>%s</methodName>\n"
                          "<params>\n%s</params>\n</methodCall>\n", argv[2], parameters);
    int size = snprintf(request, sizeof request,
                        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                        "Content-Length: %d\r\n\r\n%s", length, body);

    long calls = 0;
    double begin = now(), end = begin + atof(argv[3]), at;
    do {
        if (write(server, request, (size_t)size) != size)
            fail("write");
        take_response(server);
        calls++;
        at = now();
    } while (at < end);
    printf("%.1f %ld\n", calls / (at - begin), calls);
    return 0;
}
