/*
 * Path, query and body become one message by appending: protobuf merges what is given for parts of
 * one field, and a later scalar wins, so the path is written last.
 */
#include "inbound/rest/rest_request.h"

#include "base/arena.h"
#include "base/hex.h"
#include "inbound/rest/json_to_proto.h"
#include "inbound/rest/text_to_proto.h"

enum decode_flags {
    DECODE_PLUS = 1u << 0,       /* + is a blank: in queries */
    DECODE_KEEP_SLASH = 1u << 1, /* %2F stays: in variables that hold several segments */
};

/* Percent-decodes into the arena; false on a broken escape or when memory is out. A %00 is decoded:
 * strings refuse it later, by name of their field. */
static bool decode(struct arena *arena, struct atlas_bytes text, unsigned int flags,
                   struct atlas_bytes *ret_text)
{
    const char *from = text.data;
    char *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (to == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int high = 0;
        int low = 0;

        if (from[i] == '+' && (flags & DECODE_PLUS) != 0) {
            to[len++] = ' ';
            continue;
        }
        if (from[i] != '%') {
            to[len++] = from[i];
            continue;
        }
        if (text.len - i < 3 || (high = hex_value(from[i + 1])) < 0 ||
            (low = hex_value(from[i + 2])) < 0) {
            return false;
        }
        if (high * 16 + low == '/' && (flags & DECODE_KEEP_SLASH) != 0) {
            to[len++] = '%';
            continue; /* the two digits follow as they are */
        }
        to[len++] = (char)(high * 16 + low);
        i += 2;
    }
    *ret_text = (struct atlas_bytes){to, len};
    return true;
}

/* Writes the field inside the fields that lead to it. */
static const char *put_field_path(struct buffer *out, const struct field_path *path,
                                  struct atlas_bytes text)
{
    size_t marks[FIELD_PATH_LIMIT];
    size_t outer = path->count - 1;
    const char *expected = NULL;

    for (size_t i = 0; i < outer; i++) {
        wire_put_tag(out, path->fields[i]->number, WIRE_BYTES);
        marks[i] = wire_open(out);
    }
    expected = text_put_field(out, path->fields[outer], text);
    for (size_t i = outer; i > 0; i--) {
        wire_close(out, marks[i - 1]);
    }
    return expected;
}

static atlas_status_t refuse_value(struct error *error, const struct field_path *path,
                                   struct atlas_bytes text, const char *expected)
{
    return error_set(error, ATLAS_INVALID_ARGUMENT, "field %s: \"%.*s\" is not %s",
                     path->fields[path->count - 1]->name, (int)(text.len < 64 ? text.len : 64),
                     (const char *)text.data, expected);
}

static atlas_status_t put_variables(const struct rest_match *match, struct buffer *out,
                                    struct error *error)
{
    for (size_t i = 0; i < match->route->variable_count; i++) {
        const struct rest_variable *variable = &match->route->variables[i];
        size_t end = variable->is_rest ? match->segment_count : variable->first + variable->count;
        struct atlas_bytes text = {"", 0};
        const char *expected = NULL;

        if (end > variable->first) { /* segments lie beside each other in the path */
            const char *from = match->segments[variable->first].data;
            const char *last = match->segments[end - 1].data;

            text.data = from;
            text.len = (size_t)(last - from) + match->segments[end - 1].len;
        }
        if (!decode(out->arena, text, variable->is_multiple ? DECODE_KEEP_SLASH : 0, &text)) {
            return error_set(error, ATLAS_INVALID_ARGUMENT, "the path holds a broken %% escape");
        }
        expected = put_field_path(out, &variable->field, text);
        if (expected != NULL) {
            return refuse_value(error, &variable->field, text, expected);
        }
    }
    return ATLAS_OK;
}

/* The parameters met so far, to refuse a field that is given twice. */
struct parameters {
    struct field_path seen[QUERY_PARAMETER_LIMIT];
    size_t count;
};

static bool is_same_path(const struct field_path *a, const struct field_path *b)
{
    return a->count == b->count &&
           memcmp(a->fields, b->fields, a->count * sizeof(const void *)) == 0;
}

static const char *check_parameter(const struct rest_route *route,
                                   const struct parameters *parameters,
                                   const struct field_path *path)
{
    if (path->fields[0] == route->body_field) {
        return "it is given by the body";
    }
    for (size_t i = 0; i < route->variable_count; i++) {
        if (is_same_path(&route->variables[i].field, path)) {
            return "it is given by the path";
        }
    }
    for (size_t i = 0; i < parameters->count && !path->fields[path->count - 1]->is_repeated; i++) {
        if (is_same_path(&parameters->seen[i], path)) {
            return "it is given twice";
        }
    }
    return NULL;
}

static atlas_status_t refuse_parameter(struct error *error, struct atlas_bytes name,
                                       const char *problem)
{
    return error_set(error, ATLAS_INVALID_ARGUMENT, "query parameter %.*s: %s",
                     (int)(name.len < 64 ? name.len : 64), (const char *)name.data, problem);
}

/* "name=value" or "name" */
static atlas_status_t put_parameter(const struct rest_match *match, struct parameters *parameters,
                                    struct atlas_bytes pair, struct buffer *out,
                                    struct error *error)
{
    const char *text = pair.data;
    const char *equals = memchr(text, '=', pair.len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : pair.len;
    struct atlas_bytes name = {text, name_len};
    struct atlas_bytes value = {"", 0};
    struct field_path *path = &parameters->seen[parameters->count];
    const char *problem = NULL;

    if (equals != NULL) {
        value = (struct atlas_bytes){equals + 1, pair.len - name_len - 1};
    }
    if (parameters->count == QUERY_PARAMETER_LIMIT) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "more than %u query parameters",
                         QUERY_PARAMETER_LIMIT);
    }
    if (!decode(out->arena, name, DECODE_PLUS, &name) ||
        !decode(out->arena, value, DECODE_PLUS, &value)) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "the query holds a broken %% escape");
    }
    problem = field_path_resolve(match->route->method->input, name, path);
    if (problem == NULL) {
        problem = check_parameter(match->route, parameters, path);
    }
    if (problem != NULL) {
        return refuse_parameter(error, name, problem);
    }
    parameters->count++;
    problem = put_field_path(out, path, value);
    return problem == NULL ? ATLAS_OK : refuse_value(error, path, value, problem);
}

static atlas_status_t put_query(const struct rest_match *match, struct atlas_bytes query,
                                struct buffer *out, struct error *error)
{
    struct parameters parameters;
    const char *at = query.data;
    const char *end = at + query.len;

    parameters.count = 0;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));

        stop = stop != NULL ? stop : end;
        if (stop > at) {
            atlas_status_t status = put_parameter(
                match, &parameters, (struct atlas_bytes){at, (size_t)(stop - at)}, out, error);
            if (status != ATLAS_OK) {
                return status;
            }
        }
        at = stop + 1;
    }
    return ATLAS_OK;
}

static atlas_status_t put_body(const struct rest_route *route, struct atlas_bytes body,
                               unsigned int depth, struct buffer *out, struct error *error)
{
    if (route->has_whole_body) {
        return json_to_proto(route->method->input, body, depth, out, error);
    }
    if (route->body_field != NULL) {
        return json_to_proto_field(route->body_field, body, depth, out, error);
    }
    if (body.len > 0) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "%s %s takes no body", route->rule->method,
                         route->rule->path);
    }
    return ATLAS_OK;
}

atlas_status_t rest_request_build(const struct rest_match *match, struct atlas_bytes query,
                                  struct atlas_bytes body, unsigned int depth, struct buffer *out,
                                  struct error *error)
{
    atlas_status_t status = put_body(match->route, body, depth, out, error);

    if (status == ATLAS_OK && query.len > 0) {
        status = match->route->has_whole_body
                     ? error_set(error, ATLAS_INVALID_ARGUMENT,
                                 "%s %s takes its fields from the body, not from the query",
                                 match->route->rule->method, match->route->rule->path)
                     : put_query(match, query, out, error);
    }
    if (status == ATLAS_OK) {
        status = put_variables(match, out, error);
    }
    if (status == ATLAS_OK && out->failed) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED,
                         "the request is larger than the limit of %zu bytes", out->limit);
    }
    return status;
}
