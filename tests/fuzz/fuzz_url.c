/* Path, query and body of a request: "METHOD path?query\nbody". */
#include "fuzz.h"

#include "../unit/rest/fixture.h"
#include "base/arena.h"
#include "inbound/rest/proto_to_json.h"
#include "inbound/rest/rest_request.h"
#include "inbound/rest/rest_routes.h"

#define LIMIT (1u << 20)

static struct rest_routes *make_routes(void)
{
    static struct descriptor_set *set; /* the routes refer to it */
    struct rest_routes *routes = NULL;
    struct error error = {0};

    set = fixture_descriptors();
    MUST(rest_routes_create(&routes, &error) == ATLAS_OK);
    MUST(rest_routes_add(routes, descriptors_service(set, "transcode.Things"), &error) == ATLAS_OK);
    return routes;
}

static void build(const struct rest_match *match, const char *query, const char *body)
{
    struct arena arena;
    struct error error = {0};
    struct buffer proto;
    struct buffer json;

    arena_init(&arena, NULL, 16 * LIMIT);
    buffer_init(&proto, &arena, 64, LIMIT);
    buffer_init(&json, &arena, 64, LIMIT);
    if (rest_request_build(match, (struct atlas_bytes){query, strlen(query)},
                           (struct atlas_bytes){body, strlen(body)}, 16, &proto,
                           &error) == ATLAS_OK) {
        atlas_status_t status =
            proto_to_json(match->route->method->input, buffer_bytes(&proto), &json, &error);
        MUST(status == ATLAS_OK || status == ATLAS_RESOURCE_EXHAUSTED);
    } else {
        MUST(error.text[0] != '\0');
    }
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PURGE", "HEAD"};
    static struct rest_routes *routes;
    const char *method = methods[fuzz_take(&data, &size) % (sizeof methods / sizeof methods[0])];
    char *text = fuzz_text(data, size);
    char *body = strchr(text, '\n');
    char *query = NULL;
    struct rest_match match;

    if (routes == NULL) {
        routes = make_routes();
    }
    if (body != NULL) {
        *body++ = '\0';
    }
    query = strchr(text, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    if (rest_routes_find(routes, method, (struct atlas_bytes){text, strlen(text)}, &match) ==
        REST_FOUND) {
        build(&match, query != NULL ? query : "", body != NULL ? body : "");
    }
    free(text);
    return 0;
}
