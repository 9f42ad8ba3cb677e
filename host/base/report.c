/* A bounded list of findings. */
#include "base/report.h"

#include "base/memory.h"

#include <stdint.h>

void report_init(struct report *report)
{
    arena_init(&report->arena, NULL, SIZE_MAX);
    report->count = 0;
}

void report_finish(struct report *report)
{
    arena_finish(&report->arena);
    report->count = 0;
}

void report_add(struct report *report, const char *format, ...)
{
    va_list args;

    if (report->count < REPORT_LIMIT) {
        va_start(args, format);
        report->lines[report->count] = memory_vformat(&report->arena, format, args);
        va_end(args);
    }
    report->count++;
}

const char *report_line(const struct report *report, size_t n)
{
    return n < report->count && n < REPORT_LIMIT ? report->lines[n] : NULL;
}
