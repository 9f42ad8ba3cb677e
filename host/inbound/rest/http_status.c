#include "inbound/rest/http_status.h"

#include <stddef.h>

int http_status_of(atlas_status_t status)
{
    static const int table[] = {
        [ATLAS_OK] = 200,
        [ATLAS_CANCELLED] = 499,
        [ATLAS_UNKNOWN] = 500,
        [ATLAS_INVALID_ARGUMENT] = 400,
        [ATLAS_DEADLINE_EXCEEDED] = 504,
        [ATLAS_NOT_FOUND] = 404,
        [ATLAS_ALREADY_EXISTS] = 409,
        [ATLAS_PERMISSION_DENIED] = 403,
        [ATLAS_RESOURCE_EXHAUSTED] = 429,
        [ATLAS_FAILED_PRECONDITION] = 409, /* a state that does not allow it, not a bad request */
        [ATLAS_ABORTED] = 409,
        [ATLAS_OUT_OF_RANGE] = 400,
        [ATLAS_UNIMPLEMENTED] = 501,
        [ATLAS_INTERNAL] = 500,
        [ATLAS_UNAVAILABLE] = 503,
        [ATLAS_DATA_LOSS] = 500,
        [ATLAS_UNAUTHENTICATED] = 401,
    };

    return status >= 0 && status <= ATLAS_STATUS_LAST ? table[status] : 500;
}

const char *http_status_phrase(int http_status)
{
    static const struct {
        int status;
        const char *phrase;
    } table[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].status == http_status) {
            return table[i].phrase;
        }
    }
    return "Status";
}
