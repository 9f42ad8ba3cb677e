/*
 * Where the fields of protobuf messages lie on the wire: a slot for each field of each message that
 * is open, all in one stack. None of the functions waits.
 */
#ifndef INBOUND_REST_FIELD_SLOTS_H
#define INBOUND_REST_FIELD_SLOTS_H

#include "base/descriptors.h"
#include "base/error.h"
#include "base/wire.h"

struct arena;

/* What is known of one field of one open message. */
struct field_slot {
    const uint8_t *first; /* where its first occurrence begins, NULL: absent */
    struct wire_field last;
    uint32_t count; /* occurrences; a packed run is one */
};

/* Zero-initialise; set arena. */
struct field_slots {
    struct arena *arena;
    struct field_slot *items;
    size_t count;
    size_t room;
};

/* Takes zeroed slots for the fields of a message; the index of the first, or SIZE_MAX when memory
 * is out. Pointers into the stack end here. */
size_t field_slots_open(struct field_slots *slots, size_t count);

/* Gives them back, with all that were taken after them. */
void field_slots_close(struct field_slots *slots, size_t base);

/* Notes where every field of the message begins that its descriptor knows, and its last occurrence,
 * in the slots from base on, in the order of message->fields. INTERNAL if the bytes are not such a
 * message. */
atlas_status_t field_slots_note(struct field_slots *slots, const struct message_descriptor *message,
                                struct atlas_bytes proto, size_t base, struct error *error);

/* INTERNAL, naming the message, a field of it (NULL: none) and what is wrong. */
atlas_status_t field_slots_malformed(struct error *error, const struct message_descriptor *message,
                                     const struct field_descriptor *field, const char *what);

/* Occurrences of one field from its first on; the reader knows how many are left. */
struct field_occurrences {
    struct wire_reader reader;
    uint32_t number;
    uint32_t left;
};

/* The occurrences of a field that is there, in the message's bytes. */
struct field_occurrences field_slot_occurrences(const struct field_slot *slot,
                                                struct atlas_bytes proto);

/* The next one; false behind the last. */
bool field_occurrences_next(struct field_occurrences *occurrences, struct wire_field *ret_wire);

#endif
