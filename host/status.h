/*
 * How this process stands: the admin port, and the checks and metrics of what does not keep its own
 * (the process itself, its plugins, PostgreSQL). Control thread only.
 */
#ifndef HOST_STATUS_H
#define HOST_STATUS_H

#include "base/error.h"

struct deployment;
struct runtime;
struct status;

/* Opens the admin port if the process has one; /readyz says "starting". UNAVAILABLE if it is taken.
 */
atlas_status_t status_start(struct runtime *runtime, struct status **ret_status,
                            struct error *error);

/* The deployment was applied: shows its plugins, and that calls are accepted. */
void status_follow(struct status *status, const struct deployment *deployment);

/* /readyz says that the process leaves. NULL is allowed. */
void status_drain(struct status *status);

/* Closes the admin port and forgets everything; before the modules stop. NULL is allowed. */
void status_stop(struct status *status);

#endif
