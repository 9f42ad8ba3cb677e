/*
 * The deployment: the set of generations that this process runs, and how one set replaces another.
 * Control thread only, except where a comment says otherwise.
 */
#ifndef RUNTIME_RELOAD_DEPLOYMENT_H
#define RUNTIME_RELOAD_DEPLOYMENT_H

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

/* NULL is allowed. */
void deployment_destroy(struct deployment *deployment);

/*
 * Who must agree to a set of generations before it serves, and changes with it: the listeners, and
 * the addresses of services elsewhere. prepare may refuse by adding to the report and must leave
 * everything as it was then; the others cannot fail. All on the control thread.
 */
struct deployment_follower {
    void *self;
    /* The set is made and not routed to. True if it asks for new routes although no plugin changed.
     */
    bool (*prepare)(void *self, const struct config *config, struct generation *const *generations,
                    size_t count, struct report *report);
    void (*precede)(void *self); /* nobody refused; about to be routed to. May be NULL */
    void (*commit)(void *self);  /* the set is routed to, and deployment_active says so */
    void (*abandon)(void *self); /* prepared, then refused by somebody else */
};

#define FOLLOWERS_MAX 2

/* FOLLOWERS_MAX at most; before the first apply; copied. */
void deployment_add_follower(struct deployment *deployment,
                             const struct deployment_follower *follower);

/*
 * Makes the deployment what the configuration says, as one transaction: plugins whose file or
 * configuration changed are loaded, checked, created and warmed; only if all of that succeeded are
 * they routed to, and the old ones drained. On any failure nothing has changed, the report says
 * why, and false is returned. The first time starts from nothing. The configuration is borrowed
 * until the function returns. Returns early when the process is asked to end.
 */
bool deployment_apply(struct deployment *deployment, const struct config *config,
                      struct report *report);

/* The beginning of the end: stops background work and consumers of all generations, until until_ns
 * (monotonic) at the latest. Calls still go on. */
void deployment_quiesce(struct deployment *deployment, int64_t until_ns);

/*
 * Cancels the calls that are left, takes all plugins out of the routes, ends them and unloads them.
 * Calls get until until_ns (monotonic) for what they clean up. False, and who hangs in the log, if
 * some calls did not end: then their plugins are still mapped, and the process has to leave without
 * freeing what they use. Before loops are stopped.
 */
bool deployment_end(struct deployment *deployment, int64_t until_ns);

/* The generations that are routed to now. Borrowed until the next apply. */
size_t deployment_active(const struct deployment *deployment,
                         struct generation *const **ret_generations);

#endif
