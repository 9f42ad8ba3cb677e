/* PostgreSQL of the test host: checks what a query gives against its declaration, then the
 * script. */
#ifndef TESTHOST_POSTGRES_H
#define TESTHOST_POSTGRES_H

#include "testhost_state.h"

struct atlas_postgres_interface const *postgres_interface(void);

#endif
