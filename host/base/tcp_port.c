#include "base/tcp_port.h"

#include <stdio.h>

#define LISTENING 0x0a /* TCP_LISTEN, as /proc/net/tcp writes it */

static bool is_in_ephemeral_range(uint16_t port)
{
    unsigned first = 0;
    unsigned last = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

    if (file == NULL) {
        return false;
    }
    bool is_read = fscanf(file, "%u %u", &first, &last) == 2;
    fclose(file);
    return is_read && port >= first && port <= last;
}

/* Lines are "0: 0100007F:C383 00000000:0000 0A ...": local address, remote address, state. */
static bool has_listener(const char *table, uint16_t port)
{
    char line[512];
    unsigned local = 0;
    unsigned state = 0;
    bool is_found = false;
    FILE *file = fopen(table, "re");

    while (file != NULL && !is_found && fgets(line, sizeof line, file) != NULL) {
        is_found = sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 &&
                   local == port && state == LISTENING;
    }
    if (file != NULL) {
        fclose(file);
    }
    return is_found;
}

bool tcp_port_is_taken_by_connection(uint16_t port)
{
    return is_in_ephemeral_range(port) && !has_listener("/proc/net/tcp", port) &&
           !has_listener("/proc/net/tcp6", port);
}
