/*
 * The runtime: workers, modules, and the set of generations that run. One per process.
 * What is done to it from outside of loops is done by the control thread: runtime/reload.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "runtime/module.h"
#include "runtime/router.h"
#include "runtime/worker.h"

struct atlas_call_options;
struct config;

/*
 * Calls to services that this process does not run: the gRPC client. The functions are those of
 * struct atlas_client_interface, for a service that no route table of this process has; messages
 * are within calls.message_limit.
 */
struct remote_transport {
    void *self;
    atlas_status_t (*unary)(void *self, struct call *call, const char *path,
                            struct atlas_bytes request, const struct atlas_call_options *options,
                            struct atlas_bytes *ret_reply);
    /* A stream, which the four functions below get; the call closes it before it ends. */
    atlas_status_t (*open)(void *self, struct call *call, const char *path,
                           const struct atlas_call_options *options, void **ret_stream);
    atlas_status_t (*send)(void *stream, struct call *call, struct atlas_bytes message);
    atlas_status_t (*half_close)(void *stream, struct call *call);
    atlas_status_t (*recv)(void *stream, struct call *call, struct atlas_bytes *ret_message);
    void (*close)(void *stream, struct call *call);
};

struct runtime_options {
    const struct config *config; /* borrowed for the life of the runtime */
    const char *process;         /* which process of the configuration this is */
};

/* Makes workers and the threads for offload; no loop runs yet. */
atlas_status_t runtime_create(const struct runtime_options *options, struct runtime **ret_runtime,
                              struct error *error);

/* Ends the loops and frees everything. No generation may be left. NULL is allowed. */
void runtime_destroy(struct runtime *runtime);

/* Before runtime_start. The module is borrowed for the life of the runtime. */
void runtime_add_module(struct runtime *runtime, const struct module *module);
void runtime_set_remote(struct runtime *runtime, const struct remote_transport *remote);

/* Starts the loops' threads. */
atlas_status_t runtime_start(struct runtime *runtime, struct error *error);

/* What the runtime was made of. Any thread. */
unsigned runtime_worker_count(const struct runtime *runtime);
struct worker *runtime_worker(struct runtime *runtime, unsigned index);
const struct config *runtime_config(const struct runtime *runtime);
const char *runtime_process(const struct runtime *runtime);
bool runtime_is_wire_forced(const struct runtime *runtime); /* test mode: calls.force_wire */

/* The module of a slot or of an interface id; NULL if the process has none. Any thread. */
const struct module *runtime_module(const struct runtime *runtime, enum module_slot slot);
const struct module *runtime_find_module(const struct runtime *runtime, const char *interface_id);
const struct remote_transport *runtime_remote(const struct runtime *runtime);

/* Runs fn(worker, arg) on the worker's loop and waits for it. From threads that are no loops. */
void runtime_run_on(struct worker *worker, void (*fn)(struct worker *worker, void *arg), void *arg);

#endif
