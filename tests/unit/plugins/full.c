/*
 * A plugin with two of everything that its table can declare. Built with the headers as they are,
 * and with headers in which every struct that may grow has one member more ("grown"), left zero or
 * set: what a plugin of a later ABI looks like to this host, and this one to a later host.
 */
#include "atlas/manifest.h"
#include "atlas/plugin.h"

#ifndef METHOD_GROWN
#define METHOD_GROWN
#endif
#ifndef STATEMENT_GROWN
#define STATEMENT_GROWN
#endif

ATLAS_PLUGIN_MANIFEST(
    "full", "1.2.3",
    "requires atlas.kafka/1\nrequires atlas.postgres/1\nrequires atlas.metrics/1\n"
    "service atlas.test.v1.One\nservice atlas.test.v1.Two\n"
    "config topic string default=t\nconfig pause duration default=1s\n");

static atlas_status_t handle(struct atlas_call *call)
{
    (void)call;
    return ATLAS_OK;
}

static atlas_status_t consume(struct atlas_call *call,
                              const struct atlas_kafka_record *const *records, size_t count,
                              atlas_status_t *statuses)
{
    (void)call;
    (void)records;
    for (size_t i = 0; i < count; i++) {
        statuses[i] = ATLAS_OK;
    }
    return ATLAS_OK;
}

#define METHOD(text, ...)                                                                          \
    {                                                                                              \
        .size = sizeof(struct atlas_method), .name = (text), .handle = handle, __VA_ARGS__         \
    }
static const struct atlas_method one_methods[] = {METHOD("First", .flags = 1),
                                                  METHOD("Second", .flags = 2 METHOD_GROWN)};
static const struct atlas_method two_methods[] = {METHOD("Third", .flags = 3)};

#define SERVICE(text, array, count)                                                                \
    {                                                                                              \
        .size = sizeof(struct atlas_service), .method_count = (count), .name = (text),             \
        .methods = (array)                                                                         \
    }
static const struct atlas_service one = SERVICE("atlas.test.v1.One", one_methods, 2);
static const struct atlas_service two = SERVICE("atlas.test.v1.Two", two_methods, 1);
static const struct atlas_service *const services[] = {&one, &two};

#define CONSUMER(text)                                                                             \
    {                                                                                              \
        .size = sizeof(struct atlas_consumer), .name = (text), .topic_key = "topic",               \
        .group = "full", .handle = consume                                                         \
    }
static const struct atlas_consumer consumers[] = {CONSUMER("first"), CONSUMER("second")};

#define BACKGROUND(text)                                                                           \
    {                                                                                              \
        .size = sizeof(struct atlas_background), .name = (text), .interval_key = "pause",          \
        .run = handle                                                                              \
    }
static const struct atlas_background backgrounds[] = {BACKGROUND("first"), BACKGROUND("second")};

#define METRIC(text)                                                                               \
    {                                                                                              \
        .size = sizeof(struct atlas_metric), .name = (text), .help = "A count."                    \
    }
static const struct atlas_metric metrics[] = {METRIC("full_first_total"),
                                              METRIC("full_second_total")};

#define MIGRATION(place, text)                                                                     \
    {                                                                                              \
        .size = sizeof(struct atlas_pg_migration), .number = (place), .name = (text),              \
        .sql = "SELECT 1", .compatible_since = "1.0.0"                                             \
    }
static const struct atlas_pg_migration migrations[] = {MIGRATION(1, "first"),
                                                       MIGRATION(2, "second")};

static const uint8_t no_types[] = {0};
#define STATEMENT(text, ...)                                                                       \
    {                                                                                              \
        .size = sizeof(struct atlas_pg_statement), .name = (text), .sql = "SELECT 1",              \
        .params = no_types, .columns = no_types, __VA_ARGS__                                       \
    }
static const struct atlas_pg_statement statements[] = {
    STATEMENT("first", .flags = 0), STATEMENT("second", .flags = 1 STATEMENT_GROWN)};

static const struct atlas_pg_schema schema = {
    .size = sizeof schema,
    .migrations = migrations,
    .migration_count = 2,
    .statements = statements,
    .statement_count = 2,
};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = 2,
    .consumers = consumers,
    .consumer_count = 2,
    .backgrounds = backgrounds,
    .background_count = 2,
    .metrics = metrics,
    .metric_count = 2,
    .postgres = &schema,
};

ATLAS_EXPORT atlas_plugin_v1_fn atlas_plugin_v1;
const struct atlas_plugin *atlas_plugin_v1(uint32_t host_minor)
{
    (void)host_minor;
    return &plugin;
}
