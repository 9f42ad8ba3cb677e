/* The test host itself, with a plugin that is linked into the test: what echo does not use. */
#include "atlas/sdk.h"
#include "atlas/testhost.h"
#include "support/unit.h"

#define SERVICE "/atlas.test.v1.Table/"

/* What the handlers saw, for the tests. */
static atlas_status_t seen[4];
static bool is_task_run;

/* --- The plugin --- */

/* Waits until its caller has gone, and then cleans up, which may wait too. */
static atlas_status_t clean_up(struct atlas_call *call)
{
    seen[0] = atlas_sleep_ms(call, 10);
    seen[1] = atlas_check(call);
    atlas_cleanup_begin(call, 50);
    seen[2] = atlas_sleep_ms(call, 40);
    seen[3] = atlas_sleep_ms(call, 40);
    atlas_cleanup_end(call);
    return atlas_check(call);
}

static atlas_status_t run_task(struct atlas_call *call, void *arg)
{
    (void)arg;
    is_task_run = true;
    return atlas_check(call);
}

/* The task is in the arena, since nobody joins it here. */
static atlas_status_t forget_task(struct atlas_call *call)
{
    struct atlas_task *task = atlas_alloc(call, sizeof *task);

    if (task == NULL) {
        return atlas_no_memory(call);
    }
    *task = atlas_task_of(run_task, NULL);
    return atlas_spawn(call, task);
}

static atlas_status_t count_three(struct atlas_call *call)
{
    atlas_metric_add(call, 0, 3);
    return ATLAS_OK;
}

static atlas_status_t set_bad_metadata(struct atlas_call *call)
{
    return atlas_set_metadata(call, false, "grpc-status", atlas_str("0"));
}

static atlas_status_t send_twice(struct atlas_call *call)
{
    atlas_status_t status = atlas_send(call, atlas_str("one"));

    return status == ATLAS_OK ? atlas_send(call, atlas_str("two")) : status;
}

static const struct atlas_method methods[] = {
    {.size = sizeof(struct atlas_method), .name = "CleanUp", .handle = clean_up},
    {.size = sizeof(struct atlas_method), .name = "ForgetTask", .handle = forget_task},
    {.size = sizeof(struct atlas_method), .name = "CountThree", .handle = count_three},
    {.size = sizeof(struct atlas_method), .name = "SetBadMetadata", .handle = set_bad_metadata},
    {.size = sizeof(struct atlas_method), .name = "SendTwice", .handle = send_twice},
};
static const struct atlas_service service = {.size = sizeof service,
                                             .method_count = ATLAS_COUNT(methods),
                                             .name = "atlas.test.v1.Table",
                                             .methods = methods};
static const struct atlas_service *const services[] = {&service};
static const struct atlas_metric metrics[] = {
    {.size = sizeof(struct atlas_metric), .name = "table_calls_total", .help = "Calls."}};

static const struct atlas_plugin table = {.size = sizeof table,
                                          .services = services,
                                          .service_count = 1,
                                          .metrics = metrics,
                                          .metric_count = 1};

static struct testhost *open_table(void)
{
    struct testhost *host = testhost_open_table(&table, "plugin table 1.0.0\nabi 1.0\n"
                                                        "requires atlas.metrics/1\n"
                                                        "config on boolean default=true\n"
                                                        "config share number default=0.5 max=1\n");

    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

static atlas_status_t call(struct testhost *host, const char *path)
{
    return testhost_call(host, path, NULL, 0, NULL, NULL);
}

/* --- The tests --- */

static void test_cleanup_section_outlives_its_caller(void)
{
    struct testhost *host = open_table();

    testhost_cancel_at(host, 1);
    CU_ASSERT_EQUAL(call(host, SERVICE "CleanUp"), ATLAS_CANCELLED);
    CU_ASSERT_EQUAL(seen[0], ATLAS_CANCELLED);
    CU_ASSERT_EQUAL(seen[1], ATLAS_CANCELLED);
    CU_ASSERT_EQUAL(seen[2], ATLAS_OK);
    CU_ASSERT_EQUAL(seen[3], ATLAS_DEADLINE_EXCEEDED); /* of its own budget, 50 ms */
    testhost_reset(host);
    testhost_set_timeout_ms(host, 5);
    CU_ASSERT_EQUAL(call(host, SERVICE "CleanUp"), ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(seen[0], ATLAS_DEADLINE_EXCEEDED);
    CU_ASSERT_EQUAL(seen[2], ATLAS_OK);
    testhost_close(host);
}

static void test_task_that_nobody_joined_is_joined(void)
{
    struct testhost *host = open_table();

    is_task_run = false;
    CU_ASSERT_EQUAL(call(host, SERVICE "ForgetTask"), ATLAS_OK);
    CU_ASSERT_TRUE(is_task_run);
    testhost_close(host);
}

static void test_metrics_are_summed_until_reset(void)
{
    struct testhost *host = open_table();

    CU_ASSERT_EQUAL(testhost_metric(host, "table_calls_total"), 0);
    CU_ASSERT_EQUAL(call(host, SERVICE "CountThree"), ATLAS_OK);
    CU_ASSERT_EQUAL(call(host, SERVICE "CountThree"), ATLAS_OK);
    CU_ASSERT_EQUAL(testhost_metric(host, "table_calls_total"), 6);
    testhost_reset(host);
    CU_ASSERT_EQUAL(testhost_metric(host, "table_calls_total"), 0);
    testhost_close(host);
}

static void test_metadata_that_grpc_forbids_is_refused(void)
{
    struct testhost *host = open_table();

    CU_ASSERT_EQUAL(call(host, SERVICE "SetBadMetadata"), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(testhost_message(host), "the transport has no field for"));
    testhost_close(host);
}

static void test_second_reply_of_a_unary_method_is_refused(void)
{
    struct testhost *host = open_table();

    CU_ASSERT_EQUAL(call(host, SERVICE "SendTwice"), ATLAS_FAILED_PRECONDITION);
    testhost_close(host);
}

static void test_configuration_values_have_their_type(void)
{
    static const struct {
        const char *key;
        const char *value;
        const char *message;
    } cases[] = {
        {"on", "maybe", "on: \"maybe\" is no boolean"},
        {"share", "half", "share: \"half\" is no number"},
        {"share", "1.5", "share: 1.5 is out of bounds"},
    };

    for (size_t i = 0; i < ATLAS_COUNT(cases); i++) {
        struct testhost *host = open_table();

        testhost_stop(host);
        testhost_set(host, cases[i].key, cases[i].value);
        CU_ASSERT_EQUAL(testhost_start(host), ATLAS_INVALID_ARGUMENT);
        CU_ASSERT_STRING_EQUAL(testhost_message(host), cases[i].message);
        testhost_close(host);
    }
}

UNIT_MAIN("testhost", UNIT_TEST(test_cleanup_section_outlives_its_caller),
          UNIT_TEST(test_task_that_nobody_joined_is_joined),
          UNIT_TEST(test_metrics_are_summed_until_reset),
          UNIT_TEST(test_metadata_that_grpc_forbids_is_refused),
          UNIT_TEST(test_second_reply_of_a_unary_method_is_refused),
          UNIT_TEST(test_configuration_values_have_their_type))
