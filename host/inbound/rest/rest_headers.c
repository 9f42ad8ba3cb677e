#include "inbound/rest/rest_headers.h"

#include <ctype.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/binary_header.h"
#include "runtime/call.h"

#define METADATA_PREFIX "grpc-metadata-"
#define NAME_LIMIT      128u

/* RFC 9110 5.6.2 */
static bool is_token(const char *name)
{
    const char *at = name;

    for (; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("!#$%&'*+-.^_`|~", *at) == NULL) {
            return false;
        }
    }
    return at != name;
}

/* False if the header may stand there once only and has been there before. */
static bool take(struct rest_headers *headers, const char *name, const char *value)
{
    static const struct {
        const char *name;
        size_t offset;
    } table[] = {
        {"content-type", offsetof(struct rest_headers, content_type)},
        {"content-length", offsetof(struct rest_headers, content_length)},
        {"content-encoding", offsetof(struct rest_headers, content_encoding)},
        {"transfer-encoding", offsetof(struct rest_headers, transfer_encoding)},
        {"traceparent", offsetof(struct rest_headers, traceparent)},
        {"grpc-timeout", offsetof(struct rest_headers, grpc_timeout)},
        {"host", offsetof(struct rest_headers, host)},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcasecmp(name, table[i].name) == 0) {
            const char **slot = (const char **)(void *)((char *)headers + table[i].offset);
            bool is_first = *slot == NULL;

            *slot = value;
            return is_first;
        }
    }
    return true;
}

static const char *find_refusal(const struct evhttp_request *request,
                                const struct rest_headers *headers)
{
    bool has_no_body = request->type == EVHTTP_REQ_HEAD || request->type == EVHTTP_REQ_TRACE;

    if (request->major != 1 || (request->minor != 0 && request->minor != 1)) {
        return "this server speaks HTTP/1.1 and HTTP/1.0";
    }
    if (headers->content_length != NULL &&
        headers->content_length[strspn(headers->content_length, "0123456789")] != '\0') {
        return "the Content-Length is not a plain number";
    }
    if (headers->transfer_encoding != NULL && request->minor == 0) {
        return "HTTP/1.0 has no Transfer-Encoding; send a Content-Length";
    }
    if (headers->transfer_encoding != NULL &&
        strcasecmp(headers->transfer_encoding, "chunked") != 0) {
        return "the Transfer-Encoding is not supported; send chunked or a Content-Length";
    }
    if (has_no_body && (headers->transfer_encoding != NULL ||
                        (headers->content_length != NULL && strspn(headers->content_length, "0") !=
                                                                strlen(headers->content_length)))) {
        return "this method takes no body";
    }
    if (headers->host == NULL && request->minor == 1) {
        return "HTTP/1.1 needs a Host header";
    }
    return NULL;
}

void rest_headers_read(struct evhttp_request *request, struct rest_headers *ret_headers)
{
    const struct evkeyval *header = NULL;
    bool has_bad_name = false;
    bool has_twice = false;

    *ret_headers = (struct rest_headers){0};
    for (header = request->input_headers->tqh_first; header != NULL;
         header = header->next.tqe_next) {
        has_bad_name = has_bad_name || !is_token(header->key);
        has_twice = !take(ret_headers, header->key, header->value) || has_twice;
    }
    ret_headers->refusal = has_bad_name ? "a header has a malformed name"
                           : has_twice  ? "a header that may be there once is there twice"
                                        : find_refusal(request, ret_headers);
}

bool rest_headers_are_json(const struct rest_headers *headers)
{
    static const char json[] = "application/json";
    const char *type = headers->content_type;
    size_t len = sizeof json - 1;

    if (headers->content_encoding != NULL &&
        strcasecmp(headers->content_encoding, "identity") != 0) {
        return false;
    }
    return type == NULL || (strncasecmp(type, json, len) == 0 &&
                            (type[len] == '\0' || type[len] == ';' || type[len] == ' '));
}

/* The name that a header becomes in metadata, NULL if it stays outside. */
static const char *metadata_name(const char *name)
{
    if (strncasecmp(name, METADATA_PREFIX, sizeof METADATA_PREFIX - 1) == 0) {
        return name + sizeof METADATA_PREFIX - 1;
    }
    return strcasecmp(name, "authorization") == 0 ? name : NULL;
}

atlas_status_t rest_headers_to_metadata(struct evhttp_request *request, struct call *call)
{
    for (const struct evkeyval *header = request->input_headers->tqh_first; header != NULL;
         header = header->next.tqe_next) {
        const char *name = metadata_name(header->key);
        char lower[NAME_LIMIT];
        size_t len = name != NULL ? strlen(name) : 0;

        if (len == 0 || len >= sizeof lower) {
            continue;
        }
        for (size_t i = 0; i < len; i++) {
            lower[i] = (char)tolower((unsigned char)name[i]);
        }
        if (binary_header_is_name(lower, len) || (len >= 5 && memcmp(lower, "grpc-", 5) == 0)) {
            continue;
        }
        atlas_status_t status =
            call_add_metadata(call, &call->metadata, (struct atlas_bytes){lower, len},
                              (struct atlas_bytes){header->value, strlen(header->value)});
        if (status != ATLAS_OK) {
            return status;
        }
    }
    return ATLAS_OK;
}
