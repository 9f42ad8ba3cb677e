/* Calls that failed through a fault of a plugin, or of the host. */
#ifndef RUNTIME_CALL_FAULT_H
#define RUNTIME_CALL_FAULT_H

#include "atlas/status.h"

struct call;

/* Logs it if the status is one that only a fault brings about (UNKNOWN, INTERNAL, DATA_LOSS), at
 * most once a second for each loop: metrics count them all. For the transports, which tell the
 * caller the status of the whole. On the call's loop. */
void call_fault_log(const struct call *call, atlas_status_t status, const char *message);

#endif
