/* What plugins may put into metadata, of a reply or of a call that they make. */
#include <string.h>

#include "base/binary_header.h"
#include "runtime/call.h"

static bool is_name(struct atlas_bytes name)
{
    const char *text = name.data;
    for (size_t i = 0; i < name.len; i++) {
        char c = text[i];
        bool is_allowed =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_allowed) {
            return false;
        }
    }
    return name.len > 0;
}

/* Fields of HTTP/2, of gRPC and of Atlas that go beside metadata: a second one would break the
 * message, or say who somebody is not. */
static bool is_reserved(struct atlas_bytes name)
{
    static const char *const reserved[] = {
        "atlas-identity", "connection", "content-length",    "content-type", "host",
        "keep-alive",     "te",         "proxy-connection",  "traceparent",  "trailer",
        "upgrade",        "user-agent", "transfer-encoding",
    };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (name.len == strlen(reserved[i]) && memcmp(name.data, reserved[i], name.len) == 0) {
            return true;
        }
    }
    return name.len >= 5 && memcmp(name.data, "grpc-", 5) == 0;
}

static bool is_value(struct atlas_bytes name, struct atlas_bytes value)
{
    if (binary_header_is_name(name.data, name.len)) {
        return true;
    }
    const unsigned char *text = value.data;
    for (size_t i = 0; i < value.len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

atlas_status_t call_check_metadata(struct call *call, const struct atlas_metadata *entry)
{
    int len = (int)(entry->name.len < 64 ? entry->name.len : 64);
    const char *name = entry->name.data;
    if (!is_name(entry->name)) {
        return call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "metadata \"%.*s\": a name has the characters [0-9a-z_.-]", len, name);
    }
    if (is_reserved(entry->name)) {
        return call_fail(call, ATLAS_INVALID_ARGUMENT,
                         "metadata \"%.*s\": the transport has a field of that name: choose "
                         "another",
                         len, name);
    }
    return is_value(entry->name, entry->value)
               ? ATLAS_OK
               : call_fail(call, ATLAS_INVALID_ARGUMENT,
                           "metadata \"%.*s\": a value is printable ASCII, unless the name ends "
                           "in -bin",
                           len, name);
}
