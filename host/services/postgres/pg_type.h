/* The types of enum atlas_pg_type as PostgreSQL has them. Any thread; nothing waits. */
#ifndef SERVICES_POSTGRES_PG_TYPE_H
#define SERVICES_POSTGRES_PG_TYPE_H

#include "atlas/postgres.h"

/* Object ids of types, as PostgreSQL's catalog fixes them. */
typedef uint32_t pg_oid;

/* The type that a parameter is declared with; 0 for a number that is no enum atlas_pg_type. */
pg_oid pg_type_oid(uint8_t type);

/* True if a column of that object id can be read as the type (varchar as TEXT, for example). */
bool pg_type_accepts(uint8_t type, pg_oid oid);

/* "int8", "text[]"; static. For messages. */
const char *pg_type_name(uint8_t type);

/* The name of an object id that is one of ours; NULL otherwise. Static. */
const char *pg_type_oid_name(pg_oid oid);

/* Bytes of a value in binary; 0 for strings and arrays, whose values differ. */
size_t pg_type_size(uint8_t type);

/* The type of an array's items, 0 for scalars. type is one of the enum, here and below. */
uint8_t pg_type_element(uint8_t type);

/* True if a value of an integer type (bool too) is in its range. */
bool pg_type_holds(uint8_t type, int64_t integer);

#endif
