/* A failure in words, for functions that have no call to put them into. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "atlas/status.h"

struct error {
    atlas_status_t status;
    char text[512];
};

/* Fills the error (which may be NULL) and returns the status, so that it can end a function. */
__attribute__((format(printf, 3, 4))) atlas_status_t
error_set(struct error *error, atlas_status_t status, const char *format, ...);

/* Puts words in front of what the error says already: "plugin order: ...". Returns its status. */
__attribute__((format(printf, 2, 3))) atlas_status_t error_prefix(struct error *error,
                                                                  const char *format, ...);

#endif
