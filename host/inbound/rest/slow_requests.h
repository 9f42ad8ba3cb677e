/*
 * Ends connections whose request does not arrive in time as a whole, however steadily its bytes
 * drip: evhttp itself only knows silence. Everything is for one loop.
 *
 *   WAITING --first byte--> ARRIVING --whole request--> ANSWERING --answer written--> WAITING
 *                               \____time limit____ end
 */
#ifndef INBOUND_REST_SLOW_REQUESTS_H
#define INBOUND_REST_SLOW_REQUESTS_H

#include <event2/event_struct.h>

#include "base/loop.h"

enum slow_request_state {
    SLOW_REQUEST_WAITING = 0,
    SLOW_REQUEST_ARRIVING,
    SLOW_REQUEST_ANSWERING, /* what comes ahead of the answer has its time later */
};

/* Of one connection; embed it, zeroed, and forget it before its memory is used for another one. */
struct slow_request {
    enum slow_request_state state;
    int64_t begun_ns;
    struct slow_request *next; /* while it arrives */
    struct slow_request **link;
};

struct slow_requests {
    int64_t limit_ms;
    void (*end)(struct slow_request *request); /* closes the connection; called once */
    struct slow_request *oldest;
    struct slow_request **tail;
    struct event timer;
};

/* Starts to watch; limit_ms is for each request, from its first byte to its last. */
void slow_requests_init(struct slow_requests *requests, struct loop *loop, int64_t limit_ms,
                        void (*end)(struct slow_request *request));

/* Bytes have come. */
void slow_requests_bytes(struct slow_requests *requests, struct slow_request *request);

/* The request is there. */
void slow_requests_arrived(struct slow_requests *requests, struct slow_request *request);

/* Its answer is written. */
void slow_requests_answered(struct slow_request *request);

/* The connection has gone. */
void slow_requests_forget(struct slow_requests *requests, struct slow_request *request);

/* Stops watching; requests that are still arriving are not touched. */
void slow_requests_finish(struct slow_requests *requests);

#endif
