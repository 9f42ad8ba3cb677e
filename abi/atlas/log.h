/* "atlas.log/1": one line per fact that somebody has to know. A successful call logs nothing. */
#ifndef ATLAS_LOG_H
#define ATLAS_LOG_H

#include "atlas/call.h"

enum atlas_log_level {
    ATLAS_LOG_ERROR = 0, /* somebody must act */
    ATLAS_LOG_WARN = 1,  /* degraded, and going on */
    ATLAS_LOG_INFO = 2,  /* lifecycle */
    ATLAS_LOG_DEBUG = 3, /* free */
};

struct atlas_log_interface {
    uint32_t size;

    /* Writes one line with the call's plugin, generation, method and trace beside the message; line
     * breaks and quotes are escaped, and 1023 bytes are written at most. Copied. Lines above the
     * level of the configuration cost one comparison. [call] */
    void (*write)(struct atlas_call *call, enum atlas_log_level level, struct atlas_bytes message);
};

#endif
