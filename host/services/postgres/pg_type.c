#include "services/postgres/pg_type.h"

#include "services/postgres/pg_binary.h"

struct type_row {
    const char *name;
    pg_oid oid;
    uint8_t element; /* of an array; 0 for scalars */
    int64_t min;     /* of integers */
    int64_t max;
};

static const struct type_row types[] = {
    [ATLAS_PG_BOOL] = {"bool", 16, 0, 0, 1},
    [ATLAS_PG_INT2] = {"int2", 21, 0, INT16_MIN, INT16_MAX},
    [ATLAS_PG_INT4] = {"int4", 23, 0, INT32_MIN, INT32_MAX},
    [ATLAS_PG_INT8] = {"int8", 20, 0, INT64_MIN, INT64_MAX},
    [ATLAS_PG_FLOAT8] = {"float8", 701, 0, 0, 0},
    [ATLAS_PG_TEXT] = {"text", 25, 0, 0, 0},
    [ATLAS_PG_BYTEA] = {"bytea", 17, 0, 0, 0},
    [ATLAS_PG_UUID] = {"uuid", 2950, 0, 0, 0},
    [ATLAS_PG_TIMESTAMP] = {"timestamptz", 1184, 0, 0, 0},
    [ATLAS_PG_TEXT_ARRAY] = {"text[]", 1009, ATLAS_PG_TEXT, 0, 0},
    [ATLAS_PG_INT8_ARRAY] = {"int8[]", 1016, ATLAS_PG_INT8, 0, 0},
    [ATLAS_PG_FLOAT8_ARRAY] = {"float8[]", 1022, ATLAS_PG_FLOAT8, 0, 0},
    [ATLAS_PG_UUID_ARRAY] = {"uuid[]", 2951, ATLAS_PG_UUID, 0, 0},
    [ATLAS_PG_BYTEA_ARRAY] = {"bytea[]", 1001, ATLAS_PG_BYTEA, 0, 0},
    [ATLAS_PG_TIMESTAMP_ARRAY] = {"timestamptz[]", 1185, ATLAS_PG_TIMESTAMP, 0, 0},
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

/* Types whose binary form is that of text. */
static const struct {
    pg_oid oid;
    uint8_t type;
    const char *name;
} aliases[] = {
    {1043, ATLAS_PG_TEXT, "varchar"},
    {1042, ATLAS_PG_TEXT, "bpchar"},
    {19, ATLAS_PG_TEXT, "name"},
    {114, ATLAS_PG_TEXT, "json"},
    {1015, ATLAS_PG_TEXT_ARRAY, "varchar[]"},
};

#define ALIAS_COUNT (sizeof aliases / sizeof aliases[0])

pg_oid pg_type_oid(uint8_t type)
{
    return type < TYPE_COUNT ? types[type].oid : 0;
}

bool pg_type_accepts(uint8_t type, pg_oid oid)
{
    if (pg_type_oid(type) == oid) {
        return oid != 0;
    }
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (aliases[i].oid == oid && aliases[i].type == type) {
            return true;
        }
    }
    return false;
}

const char *pg_type_name(uint8_t type)
{
    return pg_type_oid(type) != 0 ? types[type].name : "no type";
}

const char *pg_type_oid_name(pg_oid oid)
{
    for (size_t i = 0; oid != 0 && i < TYPE_COUNT; i++) {
        if (types[i].oid == oid) {
            return types[i].name;
        }
    }
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (aliases[i].oid == oid) {
            return aliases[i].name;
        }
    }
    return NULL;
}

size_t pg_type_size(uint8_t type)
{
    switch (type) {
    case ATLAS_PG_BOOL:
        return 1;
    case ATLAS_PG_INT2:
        return 2;
    case ATLAS_PG_INT4:
        return 4;
    case ATLAS_PG_INT8:
    case ATLAS_PG_FLOAT8:
    case ATLAS_PG_TIMESTAMP:
        return 8;
    case ATLAS_PG_UUID:
        return PG_UUID_LEN;
    default:
        return 0;
    }
}

uint8_t pg_type_element(uint8_t type)
{
    return types[type].element;
}

bool pg_type_holds(uint8_t type, int64_t integer)
{
    return integer >= types[type].min && integer <= types[type].max;
}
