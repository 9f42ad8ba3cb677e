/* Fault enumeration: count what an operation asks for, then fail each of it once. */
#include "testhost_state.h"

static bool run_once(struct testhost *host, const struct testhost_operation *operation,
                     unsigned int failed)
{
    int64_t wall_us = host->wall_us;
    uint64_t random_state = host->random_state;

    testhost_reset(host);
    host->fail_step = failed;
    atlas_status_t status = operation->run(host, operation->arg);
    bool is_right = operation->verify(host, failed, status, operation->arg);
    if (!is_right) {
        fprintf(stderr, "testhost: with step %u failed: %s \"%s\"\n%s", failed,
                atlas_status_name(status), host->message, testhost_journal(host));
    }
    host->wall_us = wall_us;
    host->random_state = random_state;
    return is_right;
}

unsigned int testhost_enumerate_faults(struct testhost *host,
                                       const struct testhost_operation *operation)
{
    unsigned int wrong = run_once(host, operation, 0) ? 0 : 1;
    unsigned int steps = host->step;

    for (unsigned int step = 1; step <= steps; step++) {
        wrong += run_once(host, operation, step) ? 0 : 1;
    }
    testhost_reset(host);
    return wrong;
}

bool testhost_verify_all_or_nothing(struct testhost *host, unsigned int failed,
                                    atlas_status_t status, void *arg)
{
    (void)arg;
    if (failed == 0) {
        return status == ATLAS_OK;
    }
    return (status == ATLAS_UNAVAILABLE || status == ATLAS_RESOURCE_EXHAUSTED) &&
           host->message[0] != '\0';
}
