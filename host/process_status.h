/*
 * How this process stands: the admin port, and the checks and metrics of what does not keep its own
 * (the process itself and its plugins). Control thread only.
 */
#ifndef HOST_PROCESS_STATUS_H
#define HOST_PROCESS_STATUS_H

#include "base/error.h"

struct deployment;
struct process_status;
struct runtime;

/* Opens the admin port if the process has one; /readyz says "starting". FAILED_PRECONDITION if the
 * port is taken. */
atlas_status_t process_status_start(struct runtime *runtime, struct process_status **ret_status,
                                    struct error *error);

/* The deployment was applied: shows its plugins, and that calls are accepted. */
void process_status_follow(struct process_status *status, const struct deployment *deployment);

/* /readyz says that the process leaves. NULL is allowed. */
void process_status_drain(struct process_status *status);

/* Closes the admin port and forgets everything; before the modules stop. NULL is allowed. */
void process_status_stop(struct process_status *status);

#endif
