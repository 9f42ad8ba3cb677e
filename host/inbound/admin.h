/*
 * The admin port of a process: /healthz (it runs), /readyz (every dependency and plugin, 503 until
 * all are ready) and /metrics for Prometheus. It has a thread of its own, so that a scrape holds no
 * call up.
 */
#ifndef INBOUND_ADMIN_H
#define INBOUND_ADMIN_H

#include "base/error.h"

struct admin;

struct admin_options {
    const char *host; /* a numeric address; borrowed until admin_start returns */
    uint16_t port;    /* 0: the system chooses */
    int backlog;
    size_t connections;
    size_t header_limit; /* bytes of request line and headers */
    int64_t request_ms;  /* from the first byte of a request until all of it is there */
    int64_t idle_ms;     /* a connection that neither sends nor takes anything so long is closed */
    /* Brings metrics and readiness up to date before they are shown; on the admin thread. May be
     * NULL. */
    void (*refresh)(void *arg);
    void *arg;
};

/* Binds the address and answers from now on. ret_port may be NULL. FAILED_PRECONDITION if the
 * address is taken; the error names it and the remedy. Control thread. */
atlas_status_t admin_start(const struct admin_options *options, struct admin **ret_admin,
                           uint16_t *ret_port, struct error *error);

/* Closes the port and ends the thread. NULL is allowed. Control thread. */
void admin_stop(struct admin *admin);

#endif
