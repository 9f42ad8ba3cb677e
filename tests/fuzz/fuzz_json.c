/* JSON to protobuf: what is taken comes back as JSON, and that JSON means the same again. */
#include "fuzz.h"

#include "../unit/rest/fixture.h"
#include "base/arena.h"
#include "inbound/rest/json_to_proto.h"
#include "inbound/rest/proto_to_json.h"

#define LIMIT (1u << 20)

static const struct message_descriptor *choose(uint8_t byte)
{
    static const char *const names[] = {"transcode.Scalars", "transcode.Shapes", "transcode.Thing"};
    static struct descriptor_set *set;

    if (set == NULL) {
        set = fixture_descriptors();
    }
    return descriptors_message(set, names[byte % (sizeof names / sizeof names[0])]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct message_descriptor *message = choose(fuzz_take(&data, &size));
    struct arena arena;
    struct error error = {0};
    struct buffer proto;
    struct buffer json;
    struct buffer again;

    arena_init(&arena, NULL, 32 * LIMIT);
    buffer_init(&proto, &arena, 64, LIMIT);
    buffer_init(&json, &arena, 64, LIMIT);
    buffer_init(&again, &arena, 64, LIMIT);
    atlas_status_t status =
        json_to_proto(message, (struct atlas_bytes){data, size}, 64, &proto, &error);
    if (status == ATLAS_OK) {
        status = proto_to_json(message, buffer_bytes(&proto), &json, &error);
        MUST(status == ATLAS_OK || status == ATLAS_RESOURCE_EXHAUSTED);
    } else {
        MUST(error.text[0] != '\0');
    }
    if (status == ATLAS_OK) {
        struct buffer second;

        buffer_init(&second, &arena, 64, LIMIT);
        MUST(json_to_proto(message, buffer_bytes(&json), JSON_DEPTH_LIMIT, &second, &error) ==
             ATLAS_OK);
        MUST(proto_to_json(message, buffer_bytes(&second), &again, &error) == ATLAS_OK);
        MUST(again.len == json.len && memcmp(again.data, json.data, json.len) == 0);
    }
    arena_finish(&arena);
    return 0;
}
