/* Bytes that claim to be a message, to JSON: refused, or JSON that our own reader takes. */
#include "fuzz.h"

#include <jansson.h>

#include "../unit/rest/fixture.h"
#include "base/arena.h"
#include "inbound/rest/proto_to_json.h"

#define LIMIT (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct descriptor_set *set;
    struct arena arena;
    struct error error = {0};
    struct buffer json;

    if (set == NULL) {
        set = fixture_descriptors();
    }
    const struct message_descriptor *message = descriptors_message(
        set, fuzz_take(&data, &size) % 2 == 0 ? "transcode.Scalars" : "transcode.Shapes");
    arena_init(&arena, NULL, 8 * LIMIT);
    buffer_init(&json, &arena, 64, LIMIT);
    if (proto_to_json(message, (struct atlas_bytes){data, size}, &json, &error) == ATLAS_OK) {
        json_error_t problem;
        json_t *tree = json_loadb((const char *)json.data, json.len, JSON_ALLOW_NUL, &problem);
        /* a NUL in a map's key is JSON, and only jansson does not take it */
        MUST(tree != NULL || json_error_code(&problem) == json_error_null_byte_in_key);
        json_decref(tree);
    } else {
        MUST(error.text[0] != '\0');
    }
    arena_finish(&arena);
    return 0;
}
