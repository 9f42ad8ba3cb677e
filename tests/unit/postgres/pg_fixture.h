/*
 * A runtime with two loops and the PostgreSQL module, and generations that stand for plugins: what
 * a test hands in is what a plugin would declare.
 */
#ifndef PG_FIXTURE_H
#define PG_FIXTURE_H

#include "runtime/call.h"
#include "runtime/generation.h"
#include "services/postgres/postgres.h"

#define FIXTURE_LOOPS 2

/* The server's name, for names_set. */
#define FIXTURE_HOST "postgres.test"

/* Starts server, database "atlas", runtime and module. settings: further lines of the group
 * postgres. */
void fixture_start(const char *settings, outbox_publish_fn *publish);
void fixture_stop(void);

/* The sum of a metric's series, as Prometheus would read it; -1 if there is none. */
double fixture_metric(const char *name);

/* Makes role "atlas_<id>" and schema "<id>". */
void fixture_add_schema(const char *id);

/* Loads a plugin, as a start or as a reload. NULL with the error if the module refuses it. */
struct generation *fixture_load(const char *id, const char *version,
                                const struct atlas_pg_schema *schema, bool is_reload,
                                struct error *error);
void fixture_activate(struct generation *generation);
void fixture_deactivate(struct generation *generation);
void fixture_unload(struct generation *generation);

/* Runs fn as a call of the plugin on a loop and waits for it. The error gets the call's message. */
atlas_status_t fixture_call(struct generation *generation, unsigned loop, int64_t timeout_ms,
                            atlas_status_t (*fn)(struct call *call, void *arg), void *arg,
                            struct error *error);

/* Waits until a condition holds, at most 20 s; false if it never did. */
bool fixture_eventually(bool (*is_true)(void *arg), void *arg);

#endif
