#include "plugin_test.h"

struct testhost *plugin_open(const char *name)
{
    char path[512];
    struct testhost *host;

    snprintf(path, sizeof path, "%s/plugins/%s.so", ATLAS_BUILD_DIR, name);
    host = testhost_open(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    return host;
}

struct testhost *plugin_start(const char *name)
{
    struct testhost *host = plugin_open(name);

    CU_ASSERT_EQUAL_FATAL(testhost_start(host), ATLAS_OK);
    return host;
}

void plugin_check_faults(struct testhost *host, const struct testhost_operation *operations,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(testhost_enumerate_faults(host, &operations[i]), 0);
    }
}

bool plugin_verify_comes_again(struct testhost *host, unsigned int failed, atlas_status_t status,
                               void *arg)
{
    (void)host;
    (void)arg;
    return failed == 0 ? status == ATLAS_OK : atlas_status_is_transient(status);
}

bool plugin_is_refused_or_again(unsigned int failed, atlas_status_t status, atlas_status_t refusal)
{
    return status == refusal || (failed != 0 && atlas_status_is_transient(status));
}
