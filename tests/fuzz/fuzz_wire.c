/* Small readers of what peers send: gRPC's messages and headers, traces, and the units of the
 * configuration. */
#include "fuzz.h"

#include "base/binary_header.h"
#include "base/http2/grpc_timeout.h"
#include "base/http2/message_parser.h"
#include "base/http2/status_message.h"
#include "base/units.h"
#include "runtime/trace.h"

#define MESSAGE_LIMIT 65536

static void *room(void *context, size_t len)
{
    char **body = context;

    free(*body);
    *body = malloc(len > 0 ? len : 1);
    return *body;
}

/* The chunks are as long as the first byte says. */
static void read_messages(const uint8_t *data, size_t size)
{
    char *body = NULL;
    struct message_parser parser = {.limit = MESSAGE_LIMIT, .room = room, .context = &body};
    size_t step = 1 + (size_t)fuzz_take(&data, &size);
    enum message_result result = MESSAGE_MORE;

    while (size > 0 && (result == MESSAGE_MORE || result == MESSAGE_COMPLETE)) {
        size_t len = step < size ? step : size;
        const uint8_t *chunk = data;

        data += len;
        size -= len;
        do {
            result = message_parser_feed(&parser, &chunk, &len);
            MUST(result != MESSAGE_COMPLETE ||
                 (parser.len <= MESSAGE_LIMIT && parser.body == body));
        } while (result == MESSAGE_COMPLETE && len > 0);
    }
    free(body);
}

static void read_timeout(const char *text, size_t size)
{
    char written[GRPC_TIMEOUT_SIZE];
    int64_t ns = 0;
    int64_t again = 0;

    if (grpc_timeout_parse(text, size, &ns)) {
        MUST(ns >= 0);
        if (ns / 1000000000 / 3600 <= 99999999) {
            size_t len = grpc_timeout_format(ns, written);
            MUST(grpc_timeout_parse(written, len, &again) && again >= ns);
        }
    }
}

static void read_status_message(const char *text, size_t size)
{
    char *decoded = malloc(size + 1);
    char *encoded = malloc(STATUS_MESSAGE_ENCODED_SIZE(size) + 1);

    MUST(decoded != NULL && encoded != NULL);
    size_t len = status_message_encode(text, size, encoded);
    MUST(len <= STATUS_MESSAGE_ENCODED_SIZE(size));
    for (size_t i = 0; i < len; i++) {
        MUST(encoded[i] >= 0x20 && encoded[i] < 0x7f);
    }
    status_message_decode(text, size, decoded, size + 1);
    MUST(strlen(decoded) <= size);
    free(encoded);
    free(decoded);
}

static void read_binary_header(const char *text, size_t size)
{
    uint8_t *bytes = malloc(BINARY_HEADER_DECODED_SIZE(size) + 1);
    size_t len = 0;

    MUST(bytes != NULL);
    if (binary_header_decode(text, size, bytes, &len)) {
        char *encoded = malloc(BINARY_HEADER_ENCODED_SIZE(len) + 1);

        MUST(encoded != NULL && len <= BINARY_HEADER_DECODED_SIZE(size));
        MUST(binary_header_encode(bytes, len, encoded) <= size);
        free(encoded);
    }
    free(bytes);
}

static void read_trace(const char *text, size_t size)
{
    struct trace_context trace;

    memset(&trace, 0, sizeof trace);
    trace_parse((struct atlas_bytes){text, size}, &trace);
}

static void read_units(enum units_kind kind, const char *text)
{
    static const struct units_bounds bounds = {INT64_MIN, INT64_MAX};
    char error[256] = "";
    char written[UNITS_TEXT_SIZE];
    int64_t value = 0;
    int64_t again = 0;

    if (units_parse(kind, text, bounds, &value, error, sizeof error) != ATLAS_OK) {
        MUST(error[0] != '\0');
        return;
    }
    units_format(kind, value, written);
    MUST(units_parse(kind, written, bounds, &again, error, sizeof error) == ATLAS_OK);
    MUST(again == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t choice = fuzz_take(&data, &size) % 8;
    char *text = fuzz_text(data, size);

    switch (choice) {
    case 0:
        read_messages(data, size);
        break;
    case 1:
        read_timeout(text, size);
        break;
    case 2:
        read_status_message(text, size);
        break;
    case 3:
        read_binary_header(text, size);
        break;
    case 4:
        read_trace(text, size);
        break;
    default:
        read_units((enum units_kind)(choice - 5), text);
        break;
    }
    free(text);
    return 0;
}
