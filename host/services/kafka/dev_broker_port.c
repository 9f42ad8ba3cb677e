#include "services/kafka/dev_broker_port.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static _Thread_local uint16_t wanted_port;

void dev_broker_port_set(uint16_t port)
{
    wanted_port = port;
}

/* The next definition of bind: libc's, or a sanitizer's in front of it. */
static int bind_next(int fd, const struct sockaddr *address, socklen_t len)
{
    int (*next)(int, const struct sockaddr *, socklen_t);
    void *symbol = dlsym(RTLD_NEXT, "bind");
    memcpy(&next, &symbol, sizeof next);
    return next(fd, address, len);
}

__attribute__((visibility("default"))) int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    struct sockaddr_in local;
    if (wanted_port != 0 && len == sizeof local && address.__sockaddr__->sa_family == AF_INET) {
        memcpy(&local, address.__sockaddr__, sizeof local);
        if (local.sin_port == 0 && local.sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
            local.sin_port = htons(wanted_port);
            return bind_next(fd, (struct sockaddr *)&local, len);
        }
    }
    return bind_next(fd, address.__sockaddr__, len);
}
