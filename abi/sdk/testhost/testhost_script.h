/* What the test says that the world answers, and what was asked of it: the same for all interfaces.
 */
#ifndef TESTHOST_SCRIPT_H
#define TESTHOST_SCRIPT_H

#include "testhost_state.h"

/* Adds an answer behind the others of that kind and name. It lives in the script arena. */
struct answer *script_add(struct testhost *host, enum answer_kind kind, const char *name);
/* The next answer of that kind and name, taken out of the script; NULL if there is none. */
struct answer *script_take(struct testhost *host, enum answer_kind kind, const char *name);
/* Adds something that the plugin did; the caller fills it in. */
struct deed *script_record(struct testhost *host, const char *name);
/* The newest of that name, NULL if there is none. */
const struct deed *script_find(struct testhost *host, const char *name);
/* Adds to the journal; of bytes, what cannot be printed is a dot. */
void journal_add(struct testhost *host, const char *format, ...) ATLAS_PRINTF(2, 3);
void journal_add_bytes(struct testhost *host, struct atlas_bytes bytes);

#endif
