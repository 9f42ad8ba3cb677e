/* The words of a manifest: identifiers, names, versions and numbers, and how a wrong one is
 * reported. */
#include "base/memory.h"
#include "base/report.h"
#include "runtime/loader/manifest_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void manifest_finding(const struct manifest_line *line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report_add(line->report, "%s: manifest line %u: %s", line->path, line->number,
               memory_vformat(&line->manifest->arena, format, args));
    va_end(args);
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [a-z][a-z0-9_]* of bounded length. */
bool manifest_is_id(const char *text, size_t limit)
{
    size_t len = strlen(text);

    if (!is_letter(text[0]) || len >= limit) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '_') {
            return false;
        }
    }
    return true;
}

/* A dotted name of a service or an interface: letters, digits and . _ / between them. */
bool manifest_is_dotted_name(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        bool is_plain = is_letter(text[i]) || is_digit(text[i]) || text[i] == '_' ||
                        (text[i] >= 'A' && text[i] <= 'Z');
        bool is_separator = (text[i] == '.' || text[i] == '/') && i > 0 && i + 1 < len;
        if (!is_plain && !is_separator) {
            return false;
        }
    }
    return len > 0 && len < MANIFEST_NAME_MAX_LEN && strchr(text, '.') != NULL;
}

bool manifest_parse_version(const char *text, unsigned ret_parts[3])
{
    const char *p = text;

    for (int i = 0; i < 3; i++) {
        unsigned value = 0;
        const char *start = p;
        for (; is_digit(*p) && p - start < 6; p++) {
            value = value * 10 + (unsigned)(*p - '0');
        }
        bool is_good =
            p != start && (*start != '0' || p == start + 1) && *p == (i < 2 ? '.' : '\0');
        if (!is_good) {
            return false;
        }
        ret_parts[i] = value;
        p++;
    }
    return true;
}

bool manifest_parse_number(const char *text, double *ret_number)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if ((text[0] != '-' && !is_digit(text[0])) || *end != '\0' || !isfinite(value)) {
        return false;
    }
    *ret_number = value;
    return true;
}
