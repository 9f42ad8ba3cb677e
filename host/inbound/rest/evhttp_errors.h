/*
 * Errors that evhttp finds before a request is ours: broken HTTP, and what is over its limits.
 * libevent 2.1 answers them with a page of HTML and offers no callback (2.2 has
 * evhttp_set_errorcb). But it calls its own evhttp_send_error through the symbol table, so the
 * definition in evhttp_errors.c takes its place in the whole program.
 */
#ifndef INBOUND_REST_EVHTTP_ERRORS_H
#define INBOUND_REST_EVHTTP_ERRORS_H

struct rest_endpoint;

/* From now on such errors of the endpoint's evhttp get a body of JSON. On its loop. */
void evhttp_errors_answer(struct rest_endpoint *endpoint);

/* The endpoint of an evhttp of this loop; NULL: it is the admin's. */
struct rest_endpoint *evhttp_errors_endpoint(const void *http);

/* Before the evhttp is freed. On its loop. */
void evhttp_errors_leave(struct rest_endpoint *endpoint);

#endif
