/*
 * The layout of ABI 1.0 on a 64-bit machine, which no later header may change: the place of the
 * last member of each struct that grows, and the whole of each that is frozen. A failure here is a
 * break of every plugin that is already built.
 */
#include "atlas/plugin.h"
#include "support/unit.h"

#define GROWS(type, last, end)                                                                     \
    _Static_assert(offsetof(struct type, last) + sizeof(((struct type *)0)->last) == (end),        \
                   #type " of ABI 1.0 ended elsewhere");                                           \
    _Static_assert(offsetof(struct type, size) == 0, #type " starts with its size");               \
    _Static_assert(sizeof(struct type) % 8 == 0, #type " has no padding at its end")
#define FROZEN(type, bytes)                                                                        \
    _Static_assert(sizeof(struct type) == (bytes), #type " is frozen: make a new struct")

GROWS(atlas_plugin, find, 144);
GROWS(atlas_service, methods, 24);
GROWS(atlas_method, handle, 24);
GROWS(atlas_consumer, handle, 40);
GROWS(atlas_background, run, 32);
GROWS(atlas_metric, help, 24);
GROWS(atlas_pg_schema, statement_count, 40);
GROWS(atlas_pg_migration, compatible_since, 32);
GROWS(atlas_pg_statement, columns, 40);
GROWS(atlas_kafka_record, header_count, 72);
GROWS(atlas_call_options, metadata_count, 32);
GROWS(atlas_config, bytes, 56);
GROWS(atlas_interfaces, find, 88);
GROWS(atlas_call_interface, identity, 160);
GROWS(atlas_log_interface, write, 16);
GROWS(atlas_clock_interface, random, 32);
GROWS(atlas_metrics_interface, add, 16);
GROWS(atlas_client_interface, close, 64);
GROWS(atlas_postgres_interface, last_error, 56);
GROWS(atlas_redis_interface, pipeline, 16);
GROWS(atlas_kafka_interface, reject, 24);

FROZEN(atlas_bytes, 16);
FROZEN(atlas_handle, 8);
FROZEN(atlas_metadata, 32);
FROZEN(atlas_task, 152);
FROZEN(atlas_kafka_header, 24);
FROZEN(atlas_pg_value, 24);
FROZEN(atlas_pg_result, 32);
FROZEN(atlas_pg_error, 70);
FROZEN(atlas_redis_reply, 48);
FROZEN(atlas_redis_command, 16);

/* The assertions above are the test; this one keeps the numbers of the statuses. */
static void test_abi_statuses_are_those_of_grpc(void)
{
    CU_ASSERT_EQUAL(ATLAS_OK, 0);
    CU_ASSERT_EQUAL(ATLAS_INVALID_ARGUMENT, 3);
    CU_ASSERT_EQUAL(ATLAS_UNAUTHENTICATED, 16);
    CU_ASSERT_EQUAL(ATLAS_END_OF_STREAM, 100);
}

UNIT_MAIN("abi", UNIT_TEST(test_abi_statuses_are_those_of_grpc))
