/* The set of statements that a connection has prepared, by hash; bounded. */
#ifndef SERVICES_POSTGRES_PG_PREPARED_H
#define SERVICES_POSTGRES_PG_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A power of two; three quarters of it are used at most. */
#define PG_PREPARED_SLOTS 512

/* Zero-initialise. 0 marks a free slot and is no hash. */
struct pg_prepared {
    uint64_t slots[PG_PREPARED_SLOTS];
    size_t count;
};

/* True if the connection has prepared the statement of that hash. */
bool pg_prepared_has(const struct pg_prepared *set, uint64_t hash);

/* False when the set is full: run the statement without preparing it. */
bool pg_prepared_add(struct pg_prepared *set, uint64_t hash);

/* One that was not prepared after all, or all, for a new connection. */
void pg_prepared_remove(struct pg_prepared *set, uint64_t hash);
void pg_prepared_clear(struct pg_prepared *set);

/* The hash of a statement: its text and the types of its parameters, ended by 0. Never 0. */
uint64_t pg_prepared_hash(const char *sql, const uint8_t *types);

/* The name on the server. */
#define PG_PREPARED_NAME_SIZE 20
void pg_prepared_name(uint64_t hash, char name[PG_PREPARED_NAME_SIZE]);

#endif
