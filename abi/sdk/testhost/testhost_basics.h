/* Log, clock, randomness and metrics of the test host. */
#ifndef TESTHOST_BASICS_H
#define TESTHOST_BASICS_H

#include "testhost_state.h"

/* 2024-01-01 00:00:00 UTC: when the clock begins. */
#define START_US INT64_C(1704067200000000)

struct atlas_log_interface const *log_interface(void);
struct atlas_clock_interface const *clock_interface(void);
struct atlas_metrics_interface const *metrics_interface(void);

#endif
