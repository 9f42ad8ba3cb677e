/* Redis of the test host: one answer for each command, by its first word. */
#ifndef TESTHOST_REDIS_H
#define TESTHOST_REDIS_H

#include "testhost_state.h"

struct atlas_redis_interface const *redis_interface(void);

#endif
