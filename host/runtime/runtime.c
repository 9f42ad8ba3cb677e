#include "runtime/runtime.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config.h"
#include "runtime/call.h"
#include "runtime/fiber.h"
#include "runtime/offload.h"

struct runtime {
    struct runtime_options options;
    struct offload_pool *offload;
    struct worker **workers;
    unsigned worker_count;
    const struct module *modules[MODULE_COUNT];
    const struct remote_transport *remote;
};

static struct call_limits limits_of(const struct config_calls *calls)
{
    return (struct call_limits){
        .fibers = (unsigned)calls->fibers,
        .stack_size = (size_t)calls->stack_bytes,
        .arena_limit = (size_t)calls->arena_bytes,
        .nesting = (unsigned)calls->nesting,
        .tasks_per_call = (unsigned)calls->tasks,
        .metadata_limit = (size_t)calls->metadata_bytes,
        .message_limit = (size_t)calls->message_bytes,
        .default_deadline_ns = calls->default_deadline_ms * NS_PER_MS,
        .max_deadline_ns = calls->max_deadline_ms * NS_PER_MS,
        .cleanup_limit_ms = calls->cleanup_ms,
    };
}

static atlas_status_t create_workers(struct runtime *runtime, unsigned count, struct error *error)
{
    struct call_limits limits = limits_of(&runtime->options.config->calls);
    runtime->workers = calloc(count, sizeof(struct worker *));
    if (runtime->workers == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "runtime: out of memory");
    }
    for (; runtime->worker_count < count; runtime->worker_count++) {
        unsigned index = runtime->worker_count;
        atlas_status_t status =
            worker_create(runtime, index, &limits, &runtime->workers[index], error);
        if (status != ATLAS_OK) {
            return status;
        }
        runtime->workers[index]->offload = runtime->offload;
    }
    return ATLAS_OK;
}

atlas_status_t runtime_create(const struct runtime_options *options, struct runtime **ret_runtime,
                              struct error *error)
{
    const struct config *config = options->config;
    const struct config_process *process = config_process(config, options->process);
    struct runtime *runtime = calloc(1, sizeof *runtime);
    if (runtime == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "runtime: out of memory");
    }
    runtime->options = *options;
    atlas_status_t status = fiber_install_crash_report(error);
    if (status == ATLAS_OK) {
        status = offload_pool_create((unsigned)config->offload.threads,
                                     (unsigned)config->offload.queue, &runtime->offload, error);
    }
    if (status == ATLAS_OK) {
        status = create_workers(runtime, (unsigned)process->loops, error);
    }
    if (status != ATLAS_OK) {
        runtime_destroy(runtime);
        return status;
    }
    *ret_runtime = runtime;
    return ATLAS_OK;
}

static void end_worker(struct worker *worker)
{
    loop_stop(worker->loop);
    route_table_free(worker->routes); /* the last, empty one */
    call_free_spares(worker);
    worker_destroy(worker);
}

void runtime_destroy(struct runtime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    for (unsigned i = 0; i < runtime->worker_count; i++) {
        end_worker(runtime->workers[i]);
    }
    free(runtime->workers);
    offload_pool_destroy(runtime->offload);
    free(runtime);
}

void runtime_add_module(struct runtime *runtime, const struct module *module)
{
    runtime->modules[module->slot] = module;
}

void runtime_set_remote(struct runtime *runtime, const struct remote_transport *remote)
{
    runtime->remote = remote;
}

static void prepare_thread(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
    fiber_prepare_thread();
}

atlas_status_t runtime_start(struct runtime *runtime, struct error *error)
{
    for (unsigned i = 0; i < runtime->worker_count; i++) {
        struct worker *worker = runtime->workers[i];
        atlas_status_t status = loop_start(worker->loop, "loop", error);
        if (status != ATLAS_OK) {
            return status;
        }
        runtime_run_on(worker, prepare_thread, NULL);
    }
    return ATLAS_OK;
}

unsigned runtime_worker_count(const struct runtime *runtime)
{
    return runtime->worker_count;
}

struct worker *runtime_worker(struct runtime *runtime, unsigned index)
{
    return runtime->workers[index];
}

const struct config *runtime_config(const struct runtime *runtime)
{
    return runtime->options.config;
}

const char *runtime_process(const struct runtime *runtime)
{
    return runtime->options.process;
}

bool runtime_is_wire_forced(const struct runtime *runtime)
{
    return runtime->options.config->calls.force_wire;
}

const struct module *runtime_module(const struct runtime *runtime, enum module_slot slot)
{
    return runtime->modules[slot];
}

const struct module *runtime_find_module(const struct runtime *runtime, const char *interface_id)
{
    for (unsigned i = 0; i < MODULE_COUNT; i++) {
        const struct module *module = runtime->modules[i];
        if (module != NULL && strcmp(module->interface_id, interface_id) == 0) {
            return module;
        }
    }
    return NULL;
}

const struct remote_transport *runtime_remote(const struct runtime *runtime)
{
    return runtime->remote;
}

struct run_on {
    struct loop_task task;
    struct worker *worker;
    void (*fn)(struct worker *worker, void *arg);
    void *arg;
    sem_t done;
};

static void run_on_loop(struct loop_task *task)
{
    struct run_on *run = CONTAINER_OF(task, struct run_on, task);
    run->fn(run->worker, run->arg);
    sem_post(&run->done);
}

static void wait_semaphore(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
        /* interrupted by a signal */
    }
    sem_destroy(semaphore);
}

void runtime_run_on(struct worker *worker, void (*fn)(struct worker *worker, void *arg), void *arg)
{
    struct run_on run = {.task = {.run = run_on_loop}, .worker = worker, .fn = fn, .arg = arg};
    sem_init(&run.done, 0, 0);
    loop_post(worker->loop, &run.task);
    wait_semaphore(&run.done);
}
