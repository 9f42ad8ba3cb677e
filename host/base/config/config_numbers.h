/*
 * Whole numbers as libconfig reads them: it keeps the lower 32 bits of a number without an "L"
 * behind it, and says nothing. What it would read as another number is refused here.
 */
#ifndef BASE_CONFIG_NUMBERS_H
#define BASE_CONFIG_NUMBERS_H

#include "base/error.h"

/* Looks through text that libconfig could parse; name begins the message, with a line if has_lines.
 * INVALID_ARGUMENT names the number and how to write it. Any thread; does not wait. */
atlas_status_t config_numbers_check(const char *text, const char *name, bool has_lines,
                                    struct error *error);

/* The same for a file of at most CONFIG_FILE_LIMIT bytes. Blocks on the disk. */
atlas_status_t config_numbers_check_file(const char *file, struct error *error);

#endif
