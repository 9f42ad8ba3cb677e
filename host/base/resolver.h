/*
 * Host names become addresses off the loops, since getaddrinfo waits for name servers. Queries for
 * one name share one lookup, and a name whose server is silent holds up no other name: a few
 * threads look names up, and start when the first name (not a numeric address) is asked for.
 * Nothing is kept: whoever connects again asks again, and follows a name that moves.
 */
#ifndef BASE_RESOLVER_H
#define BASE_RESOLVER_H

#include <stdint.h>
#include <sys/socket.h>

struct loop;
struct resolver_query;

/* Addresses of one name that are used; further ones are not. */
#define RESOLVER_ADDRESSES_MAX 16

/* A numeric address with its scope, and a NUL. */
#define RESOLVER_TEXT_SIZE 64

struct resolver_address {
    struct sockaddr_storage address; /* with the port */
    socklen_t len;
};

/* In the order in which they are to be tried (RFC 6724, as getaddrinfo has it). */
struct resolver_answer {
    unsigned count;   /* 0: failure says why */
    char failure[96]; /* "no-such-host.example: Name or service not known" */
    struct resolver_address addresses[RESOLVER_ADDRESSES_MAX];
};

/* Looks host up, a name or a numeric address. done is called once on this loop, never before this
 * has returned; the answer is valid until it returns. Owned by the resolver; NULL: out of memory.
 * On the loop; does not wait. */
struct resolver_query *resolver_start(struct loop *loop, const char *host, uint16_t port,
                                      void (*done)(void *arg, const struct resolver_answer *answer),
                                      void *arg);

/* done will not be called. NULL is allowed. On the query's loop, before done. */
void resolver_cancel(struct resolver_query *query);

/* Writes the numeric address without its port; text has RESOLVER_TEXT_SIZE bytes. Returns text. */
const char *resolver_address_text(const struct resolver_address *address, char *text);

#endif
