/*
 * "atlas.redis/1": one connection per loop, shared by all plugins, opened when the first plugin on
 * that loop asks for it and kept until redis_close. A call that gives up leaves its replies to be
 * thrown away when they come.
 */
#ifndef SERVICES_REDIS_H
#define SERVICES_REDIS_H

#include <stdbool.h>

#include "runtime/module.h"

struct config_redis;
struct redis;

/* Makes the module for at most loops workers. settings are borrowed until redis_destroy. Nothing is
 * connected or looked up yet. RESOURCE_EXHAUSTED. */
atlas_status_t redis_create(const struct config_redis *settings, unsigned loops,
                            struct redis **ret_redis, struct error *error);

/* For runtime_add_module. Borrowed until redis_destroy. */
const struct module *redis_module(const struct redis *redis);

/* Closes the connections and waits for that. After the last call, while the loops still run.
 * Control thread. */
void redis_close(struct redis *redis);

/* Frees the module. After redis_close. NULL is allowed. */
void redis_destroy(struct redis *redis);

#endif
