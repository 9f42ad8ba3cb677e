/* The SDK's scan and protobuf-c behind it: what passes can be written again and passes again. */
#include "fuzz.h"

#include "atlas/testhost.h"
#include "atlas_message.h"
#include "message_test.atlas.h"

static const struct atlas_plugin empty_plugin = {.size = sizeof empty_plugin};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *descriptor =
        fuzz_take(&data, &size) % 2 == 0 ? &atlas__test__message__v1__outer__descriptor
                                         : &atlas__test__message__v1__tree__descriptor;
    struct testhost *host = testhost_open_table(&empty_plugin, "plugin empty 0.1.0\n");
    ProtobufCMessage *message = NULL;
    struct atlas_bytes bytes;

    MUST(testhost_start(host) == ATLAS_OK);
    struct atlas_call *call = testhost_caller(host);
    if (atlas_message_unpack(call, descriptor, atlas_bytes_of(data, size), &message) == ATLAS_OK &&
        atlas_message_pack(call, message, &bytes) == ATLAS_OK) {
        size_t len = bytes.len;

        MUST(atlas_message_unpack(call, descriptor, bytes, &message) == ATLAS_OK);
        MUST(atlas_message_pack(call, message, &bytes) == ATLAS_OK && bytes.len == len);
    }
    testhost_close(host);
    return 0;
}
