/*
 * Findings: everything that is wrong with a configuration and its plugins, collected so that one
 * run says all of it. A finding is one line: place, thing, what is wrong and the remedy.
 */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

#include <stddef.h>

#include "base/arena.h"

/* Further findings are counted, not kept. */
#define REPORT_LIMIT 200

struct report {
    struct arena arena;
    const char *lines[REPORT_LIMIT];
    size_t count; /* of all findings, also those over the limit */
};

/* Starts an empty report; report_finish frees it. */
void report_init(struct report *report);
void report_finish(struct report *report);

/* Adds a finding. The text names the place first and is copied: "etc/atlas.cfg:12: redis.port:
 * ...". */
__attribute__((format(printf, 2, 3))) void report_add(struct report *report, const char *format,
                                                      ...);

/* The n-th line, borrowed until report_finish; NULL behind the last one that was kept. */
const char *report_line(const struct report *report, size_t n);

#endif
