/* Parts of PostgreSQL's binary format. Any thread; nothing waits. */
#ifndef SERVICES_POSTGRES_PG_BINARY_H
#define SERVICES_POSTGRES_PG_BINARY_H

#include "atlas/abi.h"

#define PG_UUID_TEXT_LEN 36
#define PG_UUID_LEN      16

/* Integers of len bytes, big-endian. */
void pg_binary_put(char *to, uint64_t value, size_t len);
uint64_t pg_binary_get(const char *from, size_t len);

/* UUIDs of PG_UUID_LEN bytes; text as in RFC 4122, in lower case when it is written, with a NUL.
 * put returns false if the text is none. */
bool pg_binary_put_uuid(struct atlas_bytes text, char *to);
void pg_binary_get_uuid(const char *from, char *to);

/* Timestamps: microseconds from 1970 (the ABI) to those from 2000 (PostgreSQL), and back. Both ends
 * of the range stand for infinity on either side, and stay what they are. */
int64_t pg_binary_from_unix_us(int64_t us);
int64_t pg_binary_to_unix_us(int64_t us);

#endif
