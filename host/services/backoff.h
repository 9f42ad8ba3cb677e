/* How long to wait before trying again: doubling between two bounds, spread by a quarter. */
#ifndef SERVICES_BACKOFF_H
#define SERVICES_BACKOFF_H

#include <stdint.h>

/*
 * The pause in milliseconds before attempt number failures + 1 (failures counts those in a row,
 * from 1): min, twice min, four times min and so on up to max, less up to a quarter of itself so
 * that many who failed together do not come back together. Never below 1. Any thread; never waits.
 */
int64_t backoff_ms(unsigned failures, int64_t min_ms, int64_t max_ms);

#endif
