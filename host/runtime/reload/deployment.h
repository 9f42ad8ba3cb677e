/*
 * The deployment: the set of generations that this process runs, and how one set replaces another.
 * Control thread only, except where a comment says otherwise.
 */
#ifndef RUNTIME_DEPLOYMENT_H
#define RUNTIME_DEPLOYMENT_H

#include "base/error.h"
#include "base/report.h"

struct config;
struct control;
struct deployment;
struct generation;
struct runtime;

/* Both are borrowed until deployment_destroy. */
atlas_status_t deployment_create(struct runtime *runtime, struct control *control,
                                 struct deployment **ret_deployment, struct error *error);
void deployment_destroy(struct deployment *deployment);

/*
 * Makes the deployment what the configuration says, as one transaction: plugins whose file or
 * configuration changed are loaded, checked, created and warmed; only if all of that succeeded are
 * they routed to, and the old ones drained. On any failure nothing has changed, the report says
 * why, and false is returned. The first time starts from nothing. The configuration is borrowed
 * until the function returns.
 */
bool deployment_apply(struct deployment *deployment, const struct config *config,
                      struct report *report);

/* Takes all plugins out of the routes, ends them and unloads them, at most reload.drain_timeout and
 * destroy_timeout each. The last step before loops are stopped. */
void deployment_end(struct deployment *deployment);

/*
 * What else must agree to a set of generations before it is committed: a listener whose routes
 * would clash. One; before the first apply. It adds what is wrong to the report.
 */
typedef void deployment_check_fn(void *self, struct generation *const *generations, size_t count,
                                 struct report *report);
void deployment_set_check(struct deployment *deployment, deployment_check_fn *check, void *self);

/* The generations that are routed to now. Borrowed until the next apply. */
size_t deployment_active(const struct deployment *deployment,
                         struct generation *const **ret_generations);

#endif
