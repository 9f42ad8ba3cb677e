#include "base/http2/grpc_status.h"

#include <nghttp2/nghttp2.h>

struct atlas_bytes grpc_status_text(atlas_status_t status)
{
    static const char digits[] = "0123456789";
    static const char teens[][3] = {"10", "11", "12", "13", "14", "15", "16"};
    if (status < 0 || status > ATLAS_STATUS_LAST) {
        status = ATLAS_UNKNOWN;
    }
    return status < 10 ? (struct atlas_bytes){&digits[status], 1}
                       : (struct atlas_bytes){teens[status - 10], 2};
}

atlas_status_t grpc_status_parse(const char *text, size_t len)
{
    int value = 0;
    if (len == 0 || len > 2) {
        return ATLAS_UNKNOWN;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return ATLAS_UNKNOWN;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value <= ATLAS_STATUS_LAST ? value : ATLAS_UNKNOWN;
}

atlas_status_t grpc_status_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return ATLAS_INTERNAL;
    case 401:
        return ATLAS_UNAUTHENTICATED;
    case 403:
        return ATLAS_PERMISSION_DENIED;
    case 404:
        return ATLAS_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return ATLAS_UNAVAILABLE;
    default: /* 200 too: a server that is no gRPC server */
        return ATLAS_UNKNOWN;
    }
}

atlas_status_t grpc_status_of_reset(uint32_t error_code)
{
    switch (error_code) {
    case NGHTTP2_REFUSED_STREAM:
        return ATLAS_UNAVAILABLE;
    case NGHTTP2_CANCEL:
        return ATLAS_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return ATLAS_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY:
        return ATLAS_PERMISSION_DENIED;
    default:
        return ATLAS_INTERNAL;
    }
}
