/* The listeners of one process: those whose services its plugins serve. Control thread only. */
#ifndef HOST_LISTENERS_H
#define HOST_LISTENERS_H

#include "base/error.h"

struct deployment;
struct listeners;
struct runtime;

/* Binds the addresses; connections queue until listeners_accept. The runtime runs. The error names
 * the address and the remedy. */
atlas_status_t listeners_open(struct runtime *runtime, struct deployment *deployment,
                              struct listeners **ret_listeners, struct error *error);

/* Starts to accept. */
void listeners_accept(struct listeners *listeners);

/* Stops accepting without losing a connection and waits for calls, timeout_ms at most. NULL is
 * allowed. */
void listeners_drain(struct listeners *listeners, int64_t timeout_ms);

/* Frees them after drain, while the loops still run. NULL is allowed. */
void listeners_close(struct listeners *listeners);

#endif
