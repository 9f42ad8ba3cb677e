/* Values of PostgreSQL in the test host: deep copies, and how the journal writes them. */
#ifndef TESTHOST_PG_VALUES_H
#define TESTHOST_PG_VALUES_H

#include "testhost_state.h"

/* Deep copies. types: enum atlas_pg_type of a row, ended by 0; the values may be several rows. */
const struct atlas_pg_value *pg_values_copy(struct arena *arena,
                                            const struct atlas_pg_value *values, size_t count,
                                            const uint8_t *types);
void pg_value_journal(struct testhost *host, const struct atlas_pg_value *value, uint8_t type);

#endif
