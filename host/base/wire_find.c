#include "base/wire_find.h"

size_t wire_count(struct atlas_bytes message, uint32_t number)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;
    size_t count = 0;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        count += field.number == number;
    }
    return count;
}

struct atlas_bytes wire_find_bytes(struct atlas_bytes message, uint32_t number)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;
    struct atlas_bytes found = {"", 0};

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES) {
            found = field.bytes;
        }
    }
    return found;
}

uint64_t wire_find_value(struct atlas_bytes message, uint32_t number, uint64_t fallback)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == number && field.type == WIRE_VARINT) {
            fallback = field.value;
        }
    }
    return fallback;
}

bool wire_is_well_formed(struct atlas_bytes message)
{
    struct wire_reader reader = wire_reader(message);
    struct wire_field field;
    enum wire_result result = WIRE_FIELD;

    while (result == WIRE_FIELD) {
        result = wire_next(&reader, &field);
    }
    return result == WIRE_END;
}
