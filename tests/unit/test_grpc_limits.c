/* Every key of the group "grpc" reaches the bound that it stands for. */
#include "base/http2/limits.h"

#include "base/config/config.h"
#include "support/unit.h"

static const struct config_grpc config = {
    .connections = 1,
    .streams = 2,
    .header_bytes = 3,
    .stream_window_bytes = 4,
    .connection_window_bytes = 5,
    .send_buffer_bytes = 6,
    .stream_buffer_bytes = 7,
    .resets = 8,
    .reset_burst = 9,
    .control_frames = 10,
    .queued_frames = 11,
    .ping_ms = 12,
    .ping_strikes = 13,
    .handshake_ms = 15,
    .body_ms = 16,
    .write_ms = 17,
    .idle_ms = 18,
    .keepalive_ms = 100,
    .keepalive_timeout_ms = 20,
    .client_connections = 21,
    .client_queue = 22,
    .connect_ms = 23,
    .reconnect_min_ms = 24,
    .reconnect_max_ms = 25,
};

static void test_both_sides(void)
{
    struct grpc_limits limits = grpc_limits_of(&config);
    CU_ASSERT_EQUAL(limits.streams, 2);
    CU_ASSERT_EQUAL(limits.header_limit, 3);
    CU_ASSERT_EQUAL(limits.stream_window, 4);
    CU_ASSERT_EQUAL(limits.connection_window, 5);
    CU_ASSERT_EQUAL(limits.send_buffer, 6);
    CU_ASSERT_EQUAL(limits.stream_buffer, 7);
    CU_ASSERT_EQUAL(limits.resets, 8);
    CU_ASSERT_EQUAL(limits.reset_burst, 9);
    CU_ASSERT_EQUAL(limits.control_frames, 10);
    CU_ASSERT_EQUAL(limits.queued_frames, 11);
    CU_ASSERT_EQUAL(limits.handshake_timeout_ms, 15);
    CU_ASSERT_EQUAL(limits.write_timeout_ms, 17);
    CU_ASSERT_EQUAL(limits.keepalive_interval_ms, 100);
    CU_ASSERT_EQUAL(limits.keepalive_timeout_ms, 20);
}

static void test_server(void)
{
    struct grpc_limits limits = grpc_limits_of(&config);
    CU_ASSERT_EQUAL(limits.connections, 1);
    CU_ASSERT_EQUAL(limits.ping_interval_ms, 12);
    CU_ASSERT_EQUAL(limits.ping_strikes, 13);
    CU_ASSERT_EQUAL(limits.body_timeout_ms, 16);
    CU_ASSERT_EQUAL(limits.idle_timeout_ms, 18);
}

static void test_client(void)
{
    struct grpc_limits limits = grpc_limits_of(&config);
    CU_ASSERT_EQUAL(limits.client_connections, 21);
    CU_ASSERT_EQUAL(limits.client_queue, 22);
    CU_ASSERT_EQUAL(limits.connect_timeout_ms, 23);
    CU_ASSERT_EQUAL(limits.reconnect_min_ms, 24);
    CU_ASSERT_EQUAL(limits.reconnect_max_ms, 25);
}

static void test_own_clients_may_ping(void)
{
    struct config_grpc strict = config;
    strict.ping_ms = 1000;
    CU_ASSERT_EQUAL(grpc_limits_of(&strict).ping_interval_ms, strict.keepalive_ms / 2);
}

UNIT_MAIN("grpc_limits", UNIT_TEST(test_both_sides), UNIT_TEST(test_server), UNIT_TEST(test_client),
          UNIT_TEST(test_own_clients_may_ping))
