#include "testhost_pg_values.h"

#include "testhost_script.h"

static uint8_t element_type(uint8_t array_type)
{
    switch (array_type) {
    case ATLAS_PG_TEXT_ARRAY:
        return ATLAS_PG_TEXT;
    case ATLAS_PG_UUID_ARRAY:
        return ATLAS_PG_UUID;
    case ATLAS_PG_BYTEA_ARRAY:
        return ATLAS_PG_BYTEA;
    default:
        return ATLAS_PG_INT8;
    }
}

static bool holds_bytes(uint8_t type)
{
    return type == ATLAS_PG_TEXT || type == ATLAS_PG_BYTEA || type == ATLAS_PG_UUID;
}

const struct atlas_pg_value *pg_values_copy(struct arena *arena,
                                            const struct atlas_pg_value *values, size_t count,
                                            const uint8_t *types)
{
    struct atlas_pg_value *copy = arena_alloc(arena, count * sizeof *copy);
    size_t type_count = strlen((const char *)types);

    for (size_t i = 0; i < count; i++) {
        uint8_t type = types[i % type_count];

        copy[i] = values[i];
        if (values[i].is_null) {
            continue;
        }
        if (type >= ATLAS_PG_TEXT_ARRAY) {
            const uint8_t row[2] = {element_type(type), 0};

            copy[i].as.array.items =
                pg_values_copy(arena, values[i].as.array.items, values[i].as.array.count, row);
        } else if (holds_bytes(type)) {
            copy[i].as.bytes = arena_bytes(arena, values[i].as.bytes);
        }
    }
    return copy;
}

void pg_value_journal(struct testhost *host, const struct atlas_pg_value *value, uint8_t type)
{
    if (value->is_null) {
        journal_add(host, " NULL");
    } else if (type >= ATLAS_PG_TEXT_ARRAY) {
        journal_add(host, " {");
        for (size_t i = 0; i < value->as.array.count; i++) {
            pg_value_journal(host, &value->as.array.items[i], element_type(type));
        }
        journal_add(host, " }");
    } else if (holds_bytes(type)) {
        journal_add(host, " ");
        journal_add_bytes(host, value->as.bytes);
    } else if (type == ATLAS_PG_FLOAT8) {
        journal_add(host, " %g", value->as.number);
    } else {
        journal_add(host, " %lld", (long long)value->as.integer);
    }
}
