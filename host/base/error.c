#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

atlas_status_t error_set(struct error *error, atlas_status_t status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->status = status;
    return status;
}

atlas_status_t error_prefix(struct error *error, const char *format, ...)
{
    char prefix[256];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    char text[sizeof prefix + sizeof error->text + 2];
    snprintf(text, sizeof text, "%s: %s", prefix, error->text);
    memcpy(error->text, text, sizeof error->text - 1);
    return error->status;
}
