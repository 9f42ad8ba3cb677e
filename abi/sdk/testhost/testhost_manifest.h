/* The manifest in the test host: read from the ELF note, its configuration keys with defaults. */
#ifndef TESTHOST_MANIFEST_H
#define TESTHOST_MANIFEST_H

#include "testhost_state.h"

/* The manifest of a plugin's file in an arena, NULL if it has none. */
const char *manifest_read(struct arena *arena, const char *path);
/* True if the manifest has that line. */
bool manifest_has(const char *manifest, const char *word, const char *value);
/* Takes the keys that the host's manifest declares, with their defaults. */
void manifest_read_keys(struct testhost *host);
/* Whether each key has a value of its type within its bounds; text says which has not. */
atlas_status_t config_check(struct testhost *host, char *text, size_t text_size);
/* Of the config member of struct testhost. */
extern const struct atlas_config config_functions;

#endif
