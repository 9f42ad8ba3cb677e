#include "inbound/rest/field_path.h"

#include <string.h>

static bool has_text_form(const struct field_descriptor *field)
{
    if (field->type != FIELD_MESSAGE) {
        return field->type != FIELD_GROUP;
    }
    return field->message->well_known == WELL_KNOWN_TIMESTAMP ||
           field->message->well_known == WELL_KNOWN_DURATION ||
           field->message->well_known == WELL_KNOWN_WRAPPER;
}

const char *field_path_resolve(const struct message_descriptor *message, struct atlas_bytes text,
                               struct field_path *ret_path)
{
    const char *at = text.data;
    const char *end = at + text.len;

    ret_path->count = 0;
    for (;;) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        const char *stop = dot != NULL ? dot : end;
        const struct field_descriptor *field = message_field(message, at, (size_t)(stop - at));

        if (field == NULL) {
            return "unknown field";
        }
        if (ret_path->count == FIELD_PATH_LIMIT) {
            return "the fields lie too deep in each other";
        }
        ret_path->fields[ret_path->count++] = field;
        if (dot == NULL) {
            return has_text_form(field) ? NULL : "a message cannot be given as text";
        }
        if (field->type != FIELD_MESSAGE || field->is_repeated) {
            return "it is not a message, so it has no fields";
        }
        message = field->message;
        at = dot + 1;
    }
}
