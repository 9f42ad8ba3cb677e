/* Recursive descent without the recursion: variables do not nest. google/api/http.proto */
#include "inbound/rest/template.h"

#include <string.h>

struct parser {
    const char *at;
    struct path_template *out;
};

static const char *const too_long = "it has too many segments or variables";

static const char *add_segment(struct parser *parser, enum segment_kind kind, const char *text,
                               size_t len)
{
    struct path_template *out = parser->out;

    if (out->segment_count == TEMPLATE_SEGMENT_LIMIT) {
        return too_long;
    }
    if (out->segment_count > 0 && kind != SEGMENT_VERB &&
        out->segments[out->segment_count - 1].kind == SEGMENT_REST) {
        return "** is not its last segment";
    }
    out->segments[out->segment_count++] = (struct template_segment){kind, {text, len}};
    return NULL;
}

/* A literal, * or **; NULL or what is wrong. */
static const char *parse_plain_segment(struct parser *parser)
{
    const char *start = parser->at;
    size_t len = strcspn(start, "/:{}=");

    parser->at += len;
    if (len == 0) {
        return "a segment is empty";
    }
    if (len == 2 && memcmp(start, "**", 2) == 0) {
        return add_segment(parser, SEGMENT_REST, NULL, 0);
    }
    if (len == 1 && *start == '*') {
        return add_segment(parser, SEGMENT_STAR, NULL, 0);
    }
    if (memchr(start, '*', len) != NULL) {
        return "* stands beside other characters";
    }
    return add_segment(parser, SEGMENT_LITERAL, start, len);
}

/* "{field.path=segments}" or "{field.path}" */
static const char *parse_variable(struct parser *parser)
{
    struct path_template *out = parser->out;
    struct template_variable *variable = &out->variables[out->variable_count];
    const char *problem = NULL;
    size_t len = strcspn(parser->at + 1, "/:{}=");

    if (out->variable_count == TEMPLATE_VARIABLE_LIMIT) {
        return too_long;
    }
    *variable = (struct template_variable){{parser->at + 1, len}, out->segment_count, 0};
    parser->at += 1 + len;
    if (len == 0) {
        return "a variable has no name";
    }
    if (*parser->at == '}') {
        problem = add_segment(parser, SEGMENT_STAR, NULL, 0);
    } else if (*parser->at != '=') {
        return "a variable is not closed";
    } else {
        do {
            parser->at++;
            problem = parse_plain_segment(parser);
        } while (problem == NULL && *parser->at == '/');
    }
    if (problem != NULL || *parser->at != '}') {
        return problem != NULL ? problem : "a variable is not closed";
    }
    parser->at++;
    variable->count = out->segment_count - variable->first;
    out->variable_count++;
    return NULL;
}

static const char *parse(struct parser *parser)
{
    const char *problem = NULL;

    if (*parser->at != '/') {
        return "it does not begin with /";
    }
    if (parser->at[1] == '\0') {
        return NULL; /* "/": no segments */
    }
    do {
        parser->at++;
        problem = *parser->at == '{' ? parse_variable(parser) : parse_plain_segment(parser);
    } while (problem == NULL && *parser->at == '/');
    if (problem == NULL && *parser->at == ':') {
        const char *verb = parser->at + 1;

        parser->at += strlen(parser->at);
        problem = *verb == '\0' || strpbrk(verb, "/{}*") != NULL
                      ? "its verb is empty or holds a character that is not allowed"
                      : add_segment(parser, SEGMENT_VERB, verb, strlen(verb));
    }
    if (problem == NULL && *parser->at != '\0') {
        return "characters follow where a segment should end";
    }
    return problem;
}

atlas_status_t template_parse(const char *text, struct path_template *ret_template,
                              struct error *error)
{
    struct parser parser = {text, ret_template};

    ret_template->segment_count = 0;
    ret_template->variable_count = 0;
    const char *problem = parse(&parser);
    if (problem != NULL) {
        return error_set(error, ATLAS_INVALID_ARGUMENT, "path %s: %s", text, problem);
    }
    return ATLAS_OK;
}
