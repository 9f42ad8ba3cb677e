#include "inbound/rest/json_parse.h"

#include <stdio.h>

#include "inbound/rest/json_where.h"

/* True if arrays and objects lie at most limit deep; text that is not JSON is jansson's. */
static bool is_shallow(struct atlas_bytes json, unsigned int limit)
{
    const char *text = json.data;
    unsigned int depth = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        if (is_in_string) {
            if (text[i] == '\\') {
                i++;
            } else if (text[i] == '"') {
                is_in_string = false;
            }
        } else if (text[i] == '"') {
            is_in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > limit) {
                return false;
            }
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* Says what is wrong and, as far as the parser came, with which field. */
static atlas_status_t refuse(struct atlas_bytes text, const json_error_t *problem,
                             struct error *error)
{
    char path[256];
    char where[280] = "the body";

    json_where(text, (size_t)problem->position, path, sizeof path);
    if (path[0] != '\0') {
        snprintf(where, sizeof where, "field %s", path);
    }
    switch (json_error_code(problem)) {
    case json_error_numeric_overflow:
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s: the number is out of range", where);
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s: the text holds a NUL character",
                         where);
    default:
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s: malformed JSON, line %d column %d: %s",
                         where, problem->line, problem->column, problem->text);
    }
}

atlas_status_t json_parse(struct atlas_bytes text, unsigned int depth, json_t **ret_json,
                          struct error *error)
{
    json_error_t problem;
    json_t *json = NULL;

    if (!is_shallow(text, depth)) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "the JSON is nested more than %u deep",
                         depth);
    }
    json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (json == NULL) {
        return refuse(text, &problem, error);
    }
    *ret_json = json;
    return ATLAS_OK;
}
