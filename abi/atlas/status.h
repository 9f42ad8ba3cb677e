/*
 * Statuses: the codes of gRPC, used for every result in Atlas.
 * https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 */
#ifndef ATLAS_STATUS_H
#define ATLAS_STATUS_H

#include "atlas/abi.h"

#define ATLAS_STATUS_TABLE(X)                                                                      \
    X(ATLAS_OK, 0, "OK")                                                                           \
    X(ATLAS_CANCELLED, 1, "CANCELLED")                                                             \
    X(ATLAS_UNKNOWN, 2, "UNKNOWN")                                                                 \
    X(ATLAS_INVALID_ARGUMENT, 3, "INVALID_ARGUMENT")                                               \
    X(ATLAS_DEADLINE_EXCEEDED, 4, "DEADLINE_EXCEEDED")                                             \
    X(ATLAS_NOT_FOUND, 5, "NOT_FOUND")                                                             \
    X(ATLAS_ALREADY_EXISTS, 6, "ALREADY_EXISTS")                                                   \
    X(ATLAS_PERMISSION_DENIED, 7, "PERMISSION_DENIED")                                             \
    X(ATLAS_RESOURCE_EXHAUSTED, 8, "RESOURCE_EXHAUSTED")                                           \
    X(ATLAS_FAILED_PRECONDITION, 9, "FAILED_PRECONDITION")                                         \
    X(ATLAS_ABORTED, 10, "ABORTED")                                                                \
    X(ATLAS_OUT_OF_RANGE, 11, "OUT_OF_RANGE")                                                      \
    X(ATLAS_UNIMPLEMENTED, 12, "UNIMPLEMENTED")                                                    \
    X(ATLAS_INTERNAL, 13, "INTERNAL")                                                              \
    X(ATLAS_UNAVAILABLE, 14, "UNAVAILABLE")                                                        \
    X(ATLAS_DATA_LOSS, 15, "DATA_LOSS")                                                            \
    X(ATLAS_UNAUTHENTICATED, 16, "UNAUTHENTICATED")

typedef int32_t atlas_status_t;

enum atlas_status {
#define ATLAS_STATUS_ENUM(name, number, text) name = (number),
    ATLAS_STATUS_TABLE(ATLAS_STATUS_ENUM)
#undef ATLAS_STATUS_ENUM
};

/* The greatest code that there is; a larger one from outside counts as ATLAS_UNKNOWN. */
#define ATLAS_STATUS_LAST ATLAS_UNAUTHENTICATED

/*
 * What became of a change whose reply may have been lost: a COMMIT or a publish.
 * Only ATLAS_OUTCOME_NOT_DONE allows compensation; after ATLAS_OUTCOME_UNKNOWN repeat the same
 * change under the same reference.
 */
enum atlas_outcome {
    ATLAS_OUTCOME_NOT_DONE = 0,
    ATLAS_OUTCOME_DONE = 1,
    ATLAS_OUTCOME_UNKNOWN = 2,
};

/* The name of a status in the spelling of gRPC, "UNKNOWN" for a number that is none. Static. */
static inline const char *atlas_status_name(atlas_status_t status)
{
    switch (status) {
#define ATLAS_STATUS_NAME(name, number, text)                                                      \
    case number:                                                                                   \
        return text;
        ATLAS_STATUS_TABLE(ATLAS_STATUS_NAME)
#undef ATLAS_STATUS_NAME
    default:
        return "UNKNOWN";
    }
}

/* True if the same attempt may succeed later without anybody changing anything. */
static inline bool atlas_status_is_transient(atlas_status_t status)
{
    return status == ATLAS_UNAVAILABLE || status == ATLAS_DEADLINE_EXCEEDED ||
           status == ATLAS_ABORTED || status == ATLAS_RESOURCE_EXHAUSTED ||
           status == ATLAS_CANCELLED;
}

#endif
