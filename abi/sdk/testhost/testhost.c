/* The life of a plugin in the test host: opening, start and stop. */
#include <dlfcn.h>
#include <stdlib.h>

#include "testhost_basics.h"
#include "testhost_call.h"
#include "testhost_call_interface.h"
#include "testhost_client.h"
#include "testhost_kafka.h"
#include "testhost_manifest.h"
#include "testhost_misuse.h"
#include "testhost_postgres.h"
#include "testhost_redis.h"

/* --- Opening ------------------------------------------------------------------------------------
 */

static bool is_granted(const struct testhost *host, const char *id)
{
    return manifest_has(host->manifest, "requires", id) ||
           manifest_has(host->manifest, "optional", id);
}

static const void *find_interface(struct atlas_call *call, const char *id)
{
    (void)call;
    (void)id;
    return NULL;
}

static void grant(struct testhost *host)
{
    struct atlas_interfaces *granted = &host->interfaces;

    granted->size = sizeof *granted;
    granted->abi_major = ATLAS_ABI_MAJOR;
    granted->abi_minor = ATLAS_ABI_MINOR;
    granted->host_version = "testhost";
    granted->call = call_interface();
    granted->log = log_interface();
    granted->clock = clock_interface();
    granted->metrics = is_granted(host, "atlas.metrics/1") ? metrics_interface() : NULL;
    granted->client = is_granted(host, ATLAS_CLIENT) ? client_interface() : NULL;
    granted->postgres = is_granted(host, ATLAS_POSTGRES) ? postgres_interface() : NULL;
    granted->redis = is_granted(host, ATLAS_REDIS) ? redis_interface() : NULL;
    granted->kafka = is_granted(host, ATLAS_KAFKA) ? kafka_interface() : NULL;
    granted->find = find_interface;
}

static struct testhost *create(void)
{
    struct testhost *host = calloc(1, sizeof *host);

    if (host == NULL) {
        testhost_misuse("out of memory");
    }
    host->wall_us = START_US;
    host->start_us = START_US;
    host->random_state = 1;
    host->config = config_functions;
    host->identity = atlas_str("");
    host->publications_end = &host->publications;
    host->close_streams = client_close_streams;
    return host;
}

static void adopt(struct testhost *host, const struct atlas_plugin *table, const char *manifest)
{
    memcpy(&host->table, table,
           table->size < sizeof host->table ? table->size : sizeof host->table);
    host->manifest = manifest;
    host->metrics = arena_alloc(&host->life, (host->table.metric_count + 1) * sizeof(int64_t));
    manifest_read_keys(host);
    grant(host);
    /* The caller from outside may call services even where the plugin may not. */
    host->caller_interfaces = host->interfaces;
    host->caller_interfaces.client = client_interface();
}

struct testhost *testhost_open_table(const struct atlas_plugin *table, const char *manifest)
{
    struct testhost *host = create();

    adopt(host, table, arena_text(&host->life, manifest));
    return host;
}

/* Plugin and test are built together: the test host does not read older or newer tables. */
static bool is_same_abi(const char *manifest)
{
    return manifest_has(manifest, "abi",
                        ATLAS_STRINGIFY(ATLAS_ABI_MAJOR) "." ATLAS_STRINGIFY(ATLAS_ABI_MINOR));
}

struct testhost *testhost_open(const char *path)
{
    struct testhost *host = create();
    const char *manifest = manifest_read(&host->life, path);
    atlas_plugin_v1_fn *entry = NULL;

    host->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (host->library != NULL) {
        void *symbol = dlsym(host->library, ATLAS_PLUGIN_ENTRY);

        memcpy(&entry, &symbol, sizeof entry);
    }
    if (entry == NULL || manifest == NULL || !is_same_abi(manifest)) {
        const char *reason = manifest == NULL ? "it has no manifest"
                             : entry == NULL  ? dlerror()
                                              : "it was built with another SDK than the test";

        fprintf(stderr, "testhost: %s is no plugin: %s\n", path, reason);
        testhost_close(host);
        return NULL;
    }
    adopt(host, entry(ATLAS_ABI_MINOR), manifest);
    return host;
}

void testhost_set(struct testhost *host, const char *key, const char *value)
{
    for (size_t i = 0; i < host->key_count; i++) {
        if (strcmp(host->keys[i].name, key) == 0) {
            host->keys[i].value = arena_text(&host->life, value);
            return;
        }
    }
    testhost_misuse("the manifest declares no key %s", key);
}

/* --- Start and stop -----------------------------------------------------------------------------
 */

static atlas_status_t run_loop_create(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    return host->table.loop_create != NULL ? host->table.loop_create(call, &host->loop_state)
                                           : ATLAS_OK;
}

static atlas_status_t run_warm(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    return host->table.warm != NULL ? host->table.warm(call) : ATLAS_OK;
}

static atlas_status_t run_create(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    return host->table.create != NULL ? host->table.create(call, &host->config, &host->instance)
                                      : ATLAS_OK;
}

static atlas_status_t run_loop_destroy(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    if (host->table.loop_destroy != NULL) {
        host->table.loop_destroy(call, host->loop_state);
    }
    host->loop_state = NULL;
    return ATLAS_OK;
}

static atlas_status_t run_destroy(struct atlas_call *call)
{
    struct testhost *host = host_of(call);

    if (host->table.destroy != NULL) {
        host->table.destroy(call, host->instance);
    }
    host->instance = NULL;
    return ATLAS_OK;
}

static atlas_status_t run_drain(struct atlas_call *call)
{
    if (host_of(call)->table.drain != NULL) {
        host_of(call)->table.drain(call);
    }
    return ATLAS_OK;
}

static atlas_status_t run_check(struct testhost *host)
{
    atlas_status_t status = config_check(host, host->message, sizeof host->message);

    if (status == ATLAS_OK && host->table.check != NULL) {
        status = host->table.check(&host->config, host->message, sizeof host->message);
    }
    return status;
}

static void prepare_caller(struct testhost *host)
{
    arena_free(&host->caller.arena);
    call_init(host, &host->caller);
    host->caller.base.interfaces = &host->caller_interfaces;
    host->caller.is_caller = true;
}

atlas_status_t testhost_start(struct testhost *host)
{
    atlas_status_t status = run_check(host);

    if (status != ATLAS_OK) {
        return status;
    }
    status = call_run_alone(host, run_create);
    if (status != ATLAS_OK) {
        return status;
    }
    status = call_run_alone(host, run_loop_create);
    if (status != ATLAS_OK) {
        call_run_alone(host, run_destroy);
        return status;
    }
    host->is_started = true;
    prepare_caller(host);
    status = call_run_alone(host, run_warm);
    if (status != ATLAS_OK) {
        testhost_stop(host);
    }
    return status;
}

void testhost_stop(struct testhost *host)
{
    if (!host->is_started) {
        return;
    }
    host->is_started = false;
    client_close_streams(host, &host->caller);
    call_run_alone(host, run_drain);
    call_run_alone(host, run_loop_destroy);
    call_run_alone(host, run_destroy);
}

void testhost_reset(struct testhost *host)
{
    client_close_streams(host, &host->caller);
    arena_free(&host->script);
    host->answers = NULL;
    host->deeds = NULL;
    host->publications = NULL;
    host->publications_end = &host->publications;
    free(host->journal);
    host->journal = NULL;
    host->journal_len = 0;
    memset(host->reasons, 0, sizeof host->reasons);
    memset(host->metrics, 0, (host->table.metric_count + 1) * sizeof(int64_t));
    host->metadata.first = NULL;
    host->leading.first = NULL;
    host->trailing.first = NULL;
    host->identity = atlas_str("");
    host->message[0] = '\0';
    host->timeout_ms = 0;
    host->waits_left = 0;
    host->step = 0;
    host->fail_step = 0;
    if (host->is_started) {
        prepare_caller(host);
    }
}

void testhost_close(struct testhost *host)
{
    if (host == NULL) {
        return;
    }
    testhost_stop(host);
    testhost_reset(host);
    arena_free(&host->caller.arena);
    arena_free(&host->life);
    if (host->library != NULL) {
        dlclose(host->library);
    }
    free(host);
}
