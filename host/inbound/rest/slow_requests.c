/* All requests have the same limit, so the list of those that arrive is in the order of their ends.
 */
#include "inbound/rest/slow_requests.h"

#include <event2/event.h>

#include "base/clock.h"

static void set_timer(struct slow_requests *requests, int64_t ms)
{
    event_add(&requests->timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
}

static void unlink_request(struct slow_requests *requests, struct slow_request *request)
{
    *request->link = request->next;
    if (request->next != NULL) {
        request->next->link = request->link;
    } else {
        requests->tail = request->link;
    }
}

static void slow_requests_on_timer(evutil_socket_t fd, short events, void *arg)
{
    struct slow_requests *requests = arg;
    int64_t oldest_ns = clock_monotonic_ns() - requests->limit_ms * NS_PER_MS;

    (void)fd;
    (void)events;
    while (requests->oldest != NULL && requests->oldest->begun_ns <= oldest_ns) {
        struct slow_request *request = requests->oldest;
        unlink_request(requests, request);
        request->state = SLOW_REQUEST_ANSWERING; /* no bytes start it again */
        requests->end(request);
    }
    if (requests->oldest != NULL) {
        set_timer(requests, (requests->oldest->begun_ns - oldest_ns) / NS_PER_MS + 1);
    }
}

void slow_requests_init(struct slow_requests *requests, struct loop *loop, int64_t limit_ms,
                        void (*end)(struct slow_request *request))
{
    *requests = (struct slow_requests){.limit_ms = limit_ms, .end = end};
    requests->tail = &requests->oldest;
    event_assign(&requests->timer, loop_base(loop), -1, 0, slow_requests_on_timer, requests);
}

void slow_requests_bytes(struct slow_requests *requests, struct slow_request *request)
{
    if (request->state != SLOW_REQUEST_WAITING) {
        return;
    }
    request->state = SLOW_REQUEST_ARRIVING;
    request->begun_ns = clock_monotonic_ns();
    request->next = NULL;
    request->link = requests->tail;
    *requests->tail = request;
    requests->tail = &request->next;
    /* Most requests are there at once: the timer of the first goes on for those after it. */
    if (!event_pending(&requests->timer, EV_TIMEOUT, NULL)) {
        set_timer(requests, requests->limit_ms);
    }
}

void slow_requests_arrived(struct slow_requests *requests, struct slow_request *request)
{
    slow_requests_forget(requests, request);
    request->state = SLOW_REQUEST_ANSWERING;
}

void slow_requests_answered(struct slow_request *request)
{
    request->state = SLOW_REQUEST_WAITING;
}

void slow_requests_forget(struct slow_requests *requests, struct slow_request *request)
{
    if (request->state == SLOW_REQUEST_ARRIVING) {
        unlink_request(requests, request);
    }
    request->state = SLOW_REQUEST_WAITING;
}

void slow_requests_finish(struct slow_requests *requests)
{
    event_del(&requests->timer);
}
