/* Calls by plugin, generation, method and status, and their latency. */
#ifndef RUNTIME_CALL_METRICS_H
#define RUNTIME_CALL_METRICS_H

struct call;

/* Counts a call that has ended. On its loop. */
void call_metrics_record(const struct call *call);

#endif
