/*
 * Values between the ABI and PostgreSQL's binary format, both ways, for the types of
 * enum atlas_pg_type. No connection is needed, so tests drive it with buffers.
 */
#ifndef SERVICES_POSTGRES_PG_VALUE_H
#define SERVICES_POSTGRES_PG_VALUE_H

#include <string.h>

#include "atlas/postgres.h"
#include "base/arena.h"
#include "base/error.h"

/*
 * One value in binary. ret_data is in the arena, or borrowed from the value (text, bytea); NULL for
 * an SQL NULL. INVALID_ARGUMENT with one clause in error (out of range, no UUID),
 * RESOURCE_EXHAUSTED if the arena is used up.
 */
atlas_status_t pg_value_encode(struct arena *arena, uint8_t type,
                               const struct atlas_pg_value *value, const char **ret_data,
                               int *ret_len, struct error *error);

/*
 * One value of a result; bytes, text and arrays are copied into the arena. INTERNAL if the bytes
 * are not of that type, RESOURCE_EXHAUSTED if the arena is used up.
 */
atlas_status_t pg_value_decode(struct arena *arena, uint8_t type, const char *data, size_t len,
                               struct atlas_pg_value *ret_value, struct error *error);

/* Values of statements of the host's own; text is borrowed. */
static inline struct atlas_pg_value pg_value_of_text(const char *text)
{
    struct atlas_pg_value value = {.is_null = false};
    value.as.bytes = (struct atlas_bytes){text, strlen(text)};
    return value;
}

static inline struct atlas_pg_value pg_value_of_int(int64_t integer)
{
    struct atlas_pg_value value = {.is_null = false};
    value.as.integer = integer;
    return value;
}

#endif
