/*
 * Path templates of google.api.http: "/v1/{name=shelves/x}/books/{id}:verb". A template is a row of
 * segments, each a literal, * (one segment) or ** (the rest), and variables that name runs of them.
 */
#ifndef INBOUND_REST_TEMPLATE_H
#define INBOUND_REST_TEMPLATE_H

#include "base/error.h"

#define TEMPLATE_SEGMENT_LIMIT  32u
#define TEMPLATE_VARIABLE_LIMIT 16u

enum segment_kind {
    SEGMENT_LITERAL,
    SEGMENT_STAR, /* one segment that is not empty */
    SEGMENT_REST, /* the rest of the path, may be empty; last */
    SEGMENT_VERB, /* ":verb", after the last */
};

struct template_segment {
    enum segment_kind kind;
    struct atlas_bytes text; /* LITERAL, VERB */
};

struct template_variable {
    struct atlas_bytes field_path; /* "order.id" */
    size_t first;                  /* segment */
    size_t count;
};

/* Views into the text that was parsed. */
struct path_template {
    struct template_segment segments[TEMPLATE_SEGMENT_LIMIT];
    size_t segment_count;
    struct template_variable variables[TEMPLATE_VARIABLE_LIMIT];
    size_t variable_count;
};

/* Reads a template; INVALID_ARGUMENT says what is wrong with it. text is borrowed by the result. */
atlas_status_t template_parse(const char *text, struct path_template *ret_template,
                              struct error *error);

#endif
