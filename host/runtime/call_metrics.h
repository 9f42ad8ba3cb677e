/* Calls by plugin, generation, method and status, and their latency. */
#ifndef RUNTIME_CALL_METRICS_H
#define RUNTIME_CALL_METRICS_H

struct call;
struct call_metrics;

/* Counts a call of a route that has ended. On its loop. */
void call_metrics_record(const struct call *call);

/* Gives back what one loop counted for a generation of that many methods: counts belong to the
 * generation, so a reload of another plugin leaves them alone. NULL is allowed. When no call of the
 * generation is left. */
void call_metrics_free(struct call_metrics *metrics, unsigned method_count);

#endif
