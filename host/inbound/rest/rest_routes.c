/*
 * The table is a tree: a level for each segment of the path, literals before * before **. Looking
 * up visits each node at most once, so its cost is bounded by the size of the table.
 */
#include "inbound/rest/rest_routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "inbound/rest/template.h"

#define TABLE_LIMIT (16u << 20)

struct binding {
    struct binding *next;
    struct rest_route route;
};

struct node {
    struct node *next; /* sibling */
    struct node *children;
    struct binding *bindings; /* that end here */
    struct template_segment segment;
};

struct rest_routes {
    struct arena arena;
    struct node root;
    size_t count;
};

atlas_status_t rest_routes_create(struct rest_routes **ret_routes, struct error *error)
{
    struct rest_routes *routes = calloc(1, sizeof *routes);

    if (routes == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "rest: out of memory");
    }
    arena_init(&routes->arena, NULL, TABLE_LIMIT);
    *ret_routes = routes;
    return ATLAS_OK;
}

void rest_routes_destroy(struct rest_routes *routes)
{
    if (routes != NULL) {
        arena_finish(&routes->arena);
        free(routes);
    }
}

size_t rest_routes_count(const struct rest_routes *routes)
{
    return routes->count;
}

static void *alloc_zeroed(struct rest_routes *routes, size_t size)
{
    void *memory = arena_alloc(&routes->arena, size);

    if (memory != NULL) {
        memset(memory, 0, size);
    }
    return memory;
}

static bool is_same_segment(const struct template_segment *a, const struct template_segment *b)
{
    return a->kind == b->kind && a->text.len == b->text.len &&
           (a->text.len == 0 || memcmp(a->text.data, b->text.data, a->text.len) == 0);
}

/* The child for a segment, made if it is not there. Children are sorted by kind: the order of enum
 * segment_kind is the order of precedence. */
static struct node *enter(struct rest_routes *routes, struct node *parent,
                          const struct template_segment *segment)
{
    struct node **link = &parent->children;
    struct node *node = NULL;

    for (; *link != NULL && (*link)->segment.kind <= segment->kind; link = &(*link)->next) {
        if (is_same_segment(&(*link)->segment, segment)) {
            return *link;
        }
    }
    node = alloc_zeroed(routes, sizeof *node);
    if (node != NULL) {
        node->segment = *segment;
        node->next = *link;
        *link = node;
    }
    return node;
}

static atlas_status_t refuse(const struct rest_route *route, struct error *error,
                             const char *problem, struct atlas_bytes field)
{
    return error_set(error, ATLAS_INVALID_ARGUMENT, "method %s, %s %s: field %.*s: %s",
                     route->method->path, route->rule->method, route->rule->path, (int)field.len,
                     (const char *)field.data, problem);
}

static atlas_status_t set_variables(struct rest_routes *routes,
                                    const struct path_template *template, struct rest_route *route,
                                    struct error *error)
{
    struct rest_variable *variables =
        alloc_zeroed(routes, template->variable_count * sizeof *variables);

    if (variables == NULL && template->variable_count > 0) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "rest: out of memory");
    }
    for (size_t i = 0; i < template->variable_count; i++) {
        const struct template_variable *from = &template->variables[i];
        const struct template_segment *last = &template->segments[from->first + from->count - 1];
        struct rest_variable *variable = &variables[i];
        const char *problem =
            field_path_resolve(route->method->input, from->field_path, &variable->field);

        if (problem == NULL && variable->field.fields[variable->field.count - 1]->is_repeated) {
            problem = "a repeated field cannot come from the path";
        }
        if (problem != NULL) {
            return refuse(route, error, problem, from->field_path);
        }
        variable->first = from->first;
        variable->is_rest = last->kind == SEGMENT_REST;
        variable->count = from->count - (variable->is_rest ? 1 : 0);
        variable->is_multiple = from->count > 1 || variable->is_rest;
    }
    route->variables = variables;
    route->variable_count = template->variable_count;
    return ATLAS_OK;
}

static atlas_status_t set_bodies(struct rest_route *route, struct error *error)
{
    const char *body = route->rule->body;
    const char *response = route->rule->response_body;

    route->has_whole_body = strcmp(body, "*") == 0;
    if (*body != '\0' && !route->has_whole_body) {
        route->body_field = message_field(route->method->input, body, strlen(body));
        if (route->body_field == NULL) {
            return refuse(route, error, "the body names a field that is not there",
                          (struct atlas_bytes){body, strlen(body)});
        }
    }
    if (*response != '\0') {
        route->response_field = message_field(route->method->output, response, strlen(response));
        if (route->response_field == NULL) {
            return refuse(route, error, "the response_body names a field that is not there",
                          (struct atlas_bytes){response, strlen(response)});
        }
    }
    return ATLAS_OK;
}

/* Hangs a binding below the node where its template ends. */
static atlas_status_t insert(struct rest_routes *routes, const struct path_template *template,
                             struct binding *binding, struct error *error)
{
    struct node *node = &routes->root;

    for (size_t i = 0; i < template->segment_count && node != NULL; i++) {
        node = enter(routes, node, &template->segments[i]);
    }
    if (node == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "rest: out of memory");
    }
    for (const struct binding *other = node->bindings; other != NULL; other = other->next) {
        if (strcmp(other->route.rule->method, binding->route.rule->method) == 0) {
            return error_set(error, ATLAS_ALREADY_EXISTS,
                             "methods %s and %s are both bound to %s %s; change google.api.http of "
                             "one, or serve them on different listeners",
                             other->route.method->path, binding->route.method->path,
                             binding->route.rule->method, binding->route.rule->path);
        }
    }
    binding->next = node->bindings;
    node->bindings = binding;
    routes->count++;
    return ATLAS_OK;
}

static atlas_status_t add_rule(struct rest_routes *routes, const struct method_descriptor *method,
                               const struct http_rule *rule, struct error *error)
{
    struct binding *binding = alloc_zeroed(routes, sizeof *binding);
    struct path_template template;

    if (binding == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "rest: out of memory");
    }
    binding->route.method = method;
    binding->route.rule = rule;
    atlas_status_t status = template_parse(rule->path, &template, error);
    if (status != ATLAS_OK) {
        error_prefix(error, "method %s", method->path);
        return status;
    }
    status = set_variables(routes, &template, &binding->route, error);
    if (status == ATLAS_OK) {
        status = set_bodies(&binding->route, error);
    }
    return status == ATLAS_OK ? insert(routes, &template, binding, error) : status;
}

atlas_status_t rest_routes_add(struct rest_routes *routes, const struct service_descriptor *service,
                               struct error *error)
{
    for (size_t i = 0; i < service->method_count; i++) {
        const struct method_descriptor *method = &service->methods[i];

        if (method->rule_count > 0 &&
            (method->is_client_streaming || method->is_server_streaming)) {
            return error_set(error, ATLAS_INVALID_ARGUMENT,
                             "method %s streams; REST serves methods with one request and one "
                             "reply: take its google.api.http option away",
                             method->path);
        }
        for (size_t j = 0; j < method->rule_count; j++) {
            atlas_status_t status = add_rule(routes, method, &method->rules[j], error);
            if (status != ATLAS_OK) {
                return status;
            }
        }
    }
    return ATLAS_OK;
}

/* A lookup under way. */
struct search {
    const char *http_method;
    struct rest_match *match;
    struct atlas_bytes verb; /* empty: none */
};

static void note_allowed(struct rest_match *match, const char *http_method)
{
    size_t len = strlen(match->allow);
    size_t more = strlen(http_method) + 2;

    if (strstr(match->allow, http_method) == NULL && len + more < sizeof match->allow) {
        strcat(strcat(match->allow, len > 0 ? ", " : ""), http_method);
    }
}

static bool take(const struct search *search, const struct node *node)
{
    for (const struct binding *binding = node->bindings; binding != NULL; binding = binding->next) {
        if (strcmp(binding->route.rule->method, search->http_method) == 0) {
            search->match->route = &binding->route;
            return true;
        }
        note_allowed(search->match, binding->route.rule->method);
    }
    return false;
}

static bool is_text(struct atlas_bytes a, struct atlas_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* True if the path ends at this node, or at its child for the verb. */
static bool finish(const struct search *search, const struct node *node)
{
    if (search->verb.len == 0) {
        return take(search, node);
    }
    for (const struct node *child = node->children; child != NULL; child = child->next) {
        if (child->segment.kind == SEGMENT_VERB && is_text(child->segment.text, search->verb)) {
            return take(search, child);
        }
    }
    return false;
}

/* Depth is bounded by the templates' segments. */
static bool descend(const struct search *search, const struct node *node, size_t position)
{
    const struct rest_match *match = search->match;

    if (position == match->segment_count && finish(search, node)) {
        return true;
    }
    for (const struct node *child = node->children; child != NULL; child = child->next) {
        bool is_found = false;

        switch (child->segment.kind) {
        case SEGMENT_LITERAL:
            is_found = position < match->segment_count &&
                       is_text(child->segment.text, match->segments[position]) &&
                       descend(search, child, position + 1);
            break;
        case SEGMENT_STAR:
            is_found = position < match->segment_count && match->segments[position].len > 0 &&
                       descend(search, child, position + 1);
            break;
        case SEGMENT_REST:
            is_found = finish(search, child);
            break;
        default:
            break;
        }
        if (is_found) {
            return true;
        }
    }
    return false;
}

/* False if there are more segments than any template could want. */
static bool split(struct atlas_bytes path, struct rest_match *match)
{
    const char *at = path.data;
    const char *end = at + path.len;

    match->segment_count = 0;
    if (path.len == 0 || *at != '/') {
        return false;
    }
    while (at < end && path.len > 1) {
        const char *slash = NULL;

        at++; /* behind the slash */
        slash = memchr(at, '/', (size_t)(end - at));
        if (match->segment_count == PATH_SEGMENT_LIMIT) {
            return false;
        }
        match->segments[match->segment_count++] =
            (struct atlas_bytes){at, (size_t)((slash != NULL ? slash : end) - at)};
        at = slash != NULL ? slash : end;
    }
    return true;
}

/* "name:verb" in the last segment may be a verb or part of the name; the verb is tried first. */
static bool search_with_verb(struct search *search, const struct node *root)
{
    struct rest_match *match = search->match;
    struct atlas_bytes *last = &match->segments[match->segment_count - 1];
    struct atlas_bytes whole = *last;
    const char *colon = memrchr(whole.data, ':', whole.len);

    if (colon == NULL) {
        return false;
    }
    last->len = (size_t)(colon - (const char *)whole.data);
    search->verb = (struct atlas_bytes){colon + 1, whole.len - last->len - 1};
    if (search->verb.len > 0 && descend(search, root, 0)) {
        return true;
    }
    *last = whole;
    search->verb.len = 0;
    return false;
}

enum rest_result rest_routes_find(const struct rest_routes *routes, const char *http_method,
                                  struct atlas_bytes path, struct rest_match *ret_match)
{
    struct search search = {http_method, ret_match, {NULL, 0}};

    ret_match->route = NULL;
    ret_match->allow[0] = '\0';
    if (strcmp(http_method, "HEAD") == 0) {
        search.http_method = "GET";
    }
    if (!split(path, ret_match)) {
        return REST_NOT_FOUND;
    }
    if ((ret_match->segment_count > 0 && search_with_verb(&search, &routes->root)) ||
        descend(&search, &routes->root, 0)) {
        return REST_FOUND;
    }
    return ret_match->allow[0] != '\0' ? REST_METHOD_NOT_ALLOWED : REST_NOT_FOUND;
}
