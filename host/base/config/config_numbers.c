#include "base/config/config_numbers.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/config_tree.h"

/* Behind a comment or a text in quotes that starts at s, or s itself. */
static const char *skip_text(const char *s)
{
    if (*s == '#' || (s[0] == '/' && s[1] == '/')) {
        return s + strcspn(s, "\n");
    }
    if (s[0] == '/' && s[1] == '*') {
        const char *end = strstr(s + 2, "*/");
        return end != NULL ? end + 2 : s + strlen(s);
    }
    if (*s != '"') {
        return s;
    }
    for (s++; *s != '\0' && *s != '"'; s++) {
        s += s[0] == '\\' && s[1] != '\0' ? 1 : 0;
    }
    return *s == '"' ? s + 1 : s;
}

/* Behind the name that starts at s, or s itself: names may hold digits. */
static const char *skip_name(const char *s)
{
    if (isalpha((unsigned char)*s) || *s == '*') {
        while (isalnum((unsigned char)*s) || strchr("-_*", *s) != NULL) {
            if (*s == '\0') {
                break;
            }
            s++;
        }
    }
    return s;
}

/* What is wrong with the number that starts at s; NULL: nothing. Its end is in ret_end. */
static const char *problem_of(const char *s, const char **ret_end)
{
    bool is_hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    char *end = NULL;
    errno = 0;
    int64_t number = is_hex ? (int64_t)strtoull(s, &end, 16) : strtoll(s, &end, 10);
    bool is_long = *end == 'L';
    bool is_float = !is_hex && (*end == '.' || *end == 'e' || *end == 'E');

    if (errno == ERANGE && !is_float) {
        *ret_end = end;
        return "is larger than a number can be";
    }
    if (is_float) {
        strtod(s, &end);
    }
    *ret_end = end > s ? end : s + 1;
    bool fits = is_hex ? (uint64_t)number <= UINT32_MAX : number == (int32_t)number;
    return fits || is_long || is_float ? NULL
                                       : "needs an L behind it, as every number beyond 32 bits";
}

atlas_status_t config_numbers_check(const char *text, const char *name, bool has_lines,
                                    struct error *error)
{
    unsigned line = 1;

    for (const char *s = text; *s != '\0';) {
        const char *next = skip_name(skip_text(s));
        const char *problem = NULL;
        if (next == s) {
            bool is_number = isdigit((unsigned char)*s) ||
                             ((*s == '-' || *s == '+') && isdigit((unsigned char)s[1]));
            next = s + 1;
            problem = is_number ? problem_of(s, &next) : NULL;
        }
        if (problem != NULL) {
            char place[24] = "";
            if (has_lines) {
                snprintf(place, sizeof place, ":%u", line);
            }
            return error_set(error, ATLAS_INVALID_ARGUMENT, "%s%s: the number %.*s %s", name, place,
                             (int)(next - s), s, problem);
        }
        for (; s < next; s++) {
            line += *s == '\n' ? 1 : 0;
        }
    }
    return ATLAS_OK;
}

atlas_status_t config_numbers_check_file(const char *file, struct error *error)
{
    char *text = calloc(1, CONFIG_FILE_LIMIT + 1);
    FILE *stream = fopen(file, "r");
    atlas_status_t status = ATLAS_OK;

    if (text == NULL || stream == NULL) {
        status = error_set(error, ATLAS_NOT_FOUND, "%s: cannot be read a second time (%s)", file,
                           strerror(errno));
    } else {
        text[fread(text, 1, CONFIG_FILE_LIMIT, stream)] = '\0';
        status = config_numbers_check(text, file, true, error);
    }
    if (stream != NULL) {
        fclose(stream);
    }
    free(text);
    return status;
}
