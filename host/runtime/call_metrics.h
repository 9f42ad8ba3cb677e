/* Calls by plugin, generation, method and status, and their latency. */
#ifndef RUNTIME_CALL_METRICS_H
#define RUNTIME_CALL_METRICS_H

struct call;
struct call_metrics;

/* Counts a call of a route that has ended. On its loop. */
void call_metrics_record(const struct call *call);

/* Gives back the cells of a route. NULL is allowed. When no call of the route's table is left. */
void call_metrics_free(struct call_metrics *metrics);

#endif
