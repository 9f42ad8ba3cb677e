/*
 * What the host grants to an instance. Each member is the table of one interface, NULL if the host
 * does not have it or the manifest did not ask for it ("requires" or "optional"). The inline
 * functions of atlas/sdk.h look in here, so that plugins seldom do. Grows.
 */
#ifndef ATLAS_HOST_H
#define ATLAS_HOST_H

#include "atlas/call.h"
#include "atlas/client.h"
#include "atlas/clock.h"
#include "atlas/kafka.h"
#include "atlas/log.h"
#include "atlas/metrics.h"
#include "atlas/postgres.h"
#include "atlas/redis.h"

struct atlas_interfaces {
    uint32_t size;
    uint16_t abi_major; /* of the host */
    uint16_t abi_minor;
    const char *host_version;

    const struct atlas_call_interface *call;   /* always there */
    const struct atlas_log_interface *log;     /* always there */
    const struct atlas_clock_interface *clock; /* always there */
    const struct atlas_metrics_interface *metrics;
    const struct atlas_client_interface *client;
    const struct atlas_postgres_interface *postgres;
    const struct atlas_redis_interface *redis;
    const struct atlas_kafka_interface *kafka;

    /* Interfaces that came after this table, by id and revision; NULL if absent. [call] */
    const void *(*find)(struct atlas_call *call, const char *id);
};

#endif
