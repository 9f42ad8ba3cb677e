/* Calls that still run code of a generation that is not routed to: who they are, and their end. */
#ifndef RUNTIME_RELOAD_DRAIN_H
#define RUNTIME_RELOAD_DRAIN_H

struct generation;
struct runtime;

/* Cancels, on all loops, every call into the generation (NULL: every call): those that transports,
 * rounds and batches made of it, and those that they make to it. Control thread. */
void drain_cancel_calls(struct runtime *runtime, const struct generation *generation);

/* Writes one log line for each call that still runs, of any generation. Control thread. */
void drain_log_calls(struct runtime *runtime);

#endif
