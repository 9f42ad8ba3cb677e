#include "inbound/rest/field_slots.h"

#include "base/arena.h"
#include "inbound/rest/scalar.h"

size_t field_slots_open(struct field_slots *slots, size_t count)
{
    size_t index = slots->count;

    if (index + count > slots->room) {
        size_t room = (index + count) * 2 + 32;
        struct field_slot *items = arena_alloc(slots->arena, room * sizeof *items);

        if (items == NULL) {
            return SIZE_MAX;
        }
        if (index > 0) {
            memcpy(items, slots->items, index * sizeof *items);
        }
        slots->items = items;
        slots->room = room;
    }
    if (count > 0) {
        memset(&slots->items[index], 0, count * sizeof *slots->items);
    }
    slots->count += count;
    return index;
}

void field_slots_close(struct field_slots *slots, size_t base)
{
    slots->count = base;
}

/* A member of a oneof ends the members before it. */
static void clear_oneof(const struct message_descriptor *message, struct field_slot *slots,
                        const struct field_descriptor *member)
{
    for (size_t i = 0; i < message->field_count; i++) {
        if (message->fields[i].oneof == member->oneof && &message->fields[i] != member) {
            slots[i].first = NULL;
        }
    }
}

static bool is_expected(const struct field_descriptor *field, enum wire_type type)
{
    return type == scalar_wire_type(field->type) ||
           (field->is_repeated && type == WIRE_BYTES && field->type != FIELD_GROUP);
}

atlas_status_t field_slots_note(struct field_slots *slots, const struct message_descriptor *message,
                                struct atlas_bytes proto, size_t base, struct error *error)
{
    struct wire_reader reader = wire_reader(proto);
    struct field_slot *own = &slots->items[base];
    struct wire_field wire;
    enum wire_result result = WIRE_FIELD;

    for (;;) {
        const uint8_t *start = reader.at;

        result = wire_next(&reader, &wire);
        if (result != WIRE_FIELD) {
            break;
        }
        const struct field_descriptor *field = message_field_by_number(message, wire.number);
        if (field == NULL) {
            continue; /* of a newer version */
        }
        if (!is_expected(field, wire.type)) {
            return field_slots_malformed(error, message, field, "has another wire type");
        }
        struct field_slot *slot = &own[field - message->fields];
        if (field->oneof >= 0) {
            clear_oneof(message, own, field);
        }
        if (slot->first == NULL) {
            slot->first = start;
            slot->count = 0;
        }
        slot->last = wire;
        slot->count++;
    }
    return result == WIRE_END
               ? ATLAS_OK
               : field_slots_malformed(error, message, NULL, "malformed wire format");
}

struct field_occurrences field_slot_occurrences(const struct field_slot *slot,
                                                struct atlas_bytes proto)
{
    const uint8_t *end = (const uint8_t *)proto.data + proto.len;

    return (struct field_occurrences){{slot->first, end}, slot->last.number, slot->count};
}

bool field_occurrences_next(struct field_occurrences *occurrences, struct wire_field *ret_wire)
{
    while (occurrences->left > 0 && wire_next(&occurrences->reader, ret_wire) == WIRE_FIELD) {
        if (ret_wire->number == occurrences->number) {
            occurrences->left--;
            return true;
        }
    }
    return false;
}

atlas_status_t field_slots_malformed(struct error *error, const struct message_descriptor *message,
                                     const struct field_descriptor *field, const char *what)
{
    return error_set(error, ATLAS_INTERNAL, "the reply is not a valid %s: %s%s%s%s", message->name,
                     field != NULL ? "field " : "", field != NULL ? field->name : "",
                     field != NULL ? " " : "", what);
}
