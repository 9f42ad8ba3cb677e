#include "support/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 20000u
#define COUNT (32768u - FIRST)

/* A name that only one process can bind, and that goes when the process ends; the socket stays
 * open. */
static bool claim(unsigned port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "atlas-free-port-%u", port);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);

    if (bind(fd, (const struct sockaddr *)&name, size) != 0) {
        close(fd);
        return false;
    }
    return true;
}

static bool is_free(unsigned port)
{
    static const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is_bound = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_bound;
}

uint16_t free_port(void)
{
    unsigned start = (unsigned)getpid() * 131u;

    for (unsigned n = 0; n < COUNT; n++) {
        unsigned port = FIRST + (start + n) % COUNT;

        if (claim(port) && is_free(port)) {
            return (uint16_t)port;
        }
    }
    printf("no free port from %u to %u\n", FIRST, FIRST + COUNT - 1);
    exit(EXIT_FAILURE);
}
