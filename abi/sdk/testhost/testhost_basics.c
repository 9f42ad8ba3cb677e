#include "testhost_basics.h"

#include "testhost_misuse.h"
#include "testhost_script.h"

static void log_write(struct atlas_call *call, enum atlas_log_level level, struct atlas_bytes text)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    journal_add(host_of(call), "log %s ", names[level]);
    journal_add_bytes(host_of(call), text);
    journal_add(host_of(call), "\n");
}

static int64_t wall_us(struct atlas_call *call)
{
    return host_of(call)->wall_us;
}

static int64_t monotonic_ns(struct atlas_call *call)
{
    return (host_of(call)->wall_us - host_of(call)->start_us) * 1000;
}

/* splitmix64 */
static void random_bytes(struct atlas_call *call, void *buffer, size_t len)
{
    uint64_t *state = &host_of(call)->random_state;
    unsigned char *bytes = buffer;

    for (size_t i = 0; i < len; i++) {
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        bytes[i] = (unsigned char)((z ^ (z >> 31)) & 0xff);
    }
}

static void metric_add(struct atlas_call *call, uint32_t metric, int64_t value)
{
    if (metric >= host_of(call)->table.metric_count) {
        testhost_misuse("the plugin added to metric %u, which it did not declare", metric);
    }
    host_of(call)->metrics[metric] += value;
}

struct atlas_log_interface const *log_interface(void)
{
    static const struct atlas_log_interface table = {sizeof table, log_write};

    return &table;
}

struct atlas_clock_interface const *clock_interface(void)
{
    static const struct atlas_clock_interface table = {sizeof table, wall_us, monotonic_ns,
                                                       random_bytes};

    return &table;
}

struct atlas_metrics_interface const *metrics_interface(void)
{
    static const struct atlas_metrics_interface table = {sizeof table, metric_add};

    return &table;
}

/* --- For the test -------------------------------------------------------------------------------
 */

void testhost_set_now_us(struct testhost *host, int64_t wall_us)
{
    host->wall_us = wall_us;
}

void testhost_advance_ms(struct testhost *host, int64_t ms)
{
    host->wall_us += ms * 1000;
}

void testhost_seed(struct testhost *host, uint64_t seed)
{
    host->random_state = seed;
}

int64_t testhost_metric(struct testhost *host, const char *name)
{
    for (size_t i = 0; i < host->table.metric_count; i++) {
        if (strcmp(host->table.metrics[i].name, name) == 0) {
            return host->metrics[i];
        }
    }
    testhost_misuse("the plugin declares no metric %s", name);
}
