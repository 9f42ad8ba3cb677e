/* What the tests of all plugins share: opening one in the test host, and failing what it asks for.
 */
#ifndef TESTS_PLUGIN_TEST_H
#define TESTS_PLUGIN_TEST_H

#include "atlas/testhost.h"
#include "support/unit.h"

/* The built plugin, not started, so that a test can set its configuration. Ends the test if it
 * cannot be opened. */
struct testhost *plugin_open(const char *name);

/* The same with its default configuration, started. */
struct testhost *plugin_start(const char *name);

/* Runs every operation with each host call that it makes failing in turn. */
void plugin_check_faults(struct testhost *host, const struct testhost_operation *operations,
                         size_t count);

/* A verify for consumers: a record is done, or comes again; it is never refused for a fault of the
 * host. */
bool plugin_verify_comes_again(struct testhost *host, unsigned int failed, atlas_status_t status,
                               void *arg);

/* For a record that is refused for its own sake: it is refused so, or, after a fault, comes again.
 */
bool plugin_is_refused_or_again(unsigned int failed, atlas_status_t status, atlas_status_t refusal);

#endif
