#include "inbound/rest/json_where.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "inbound/rest/json_depth.h"

#define KEY_SHOWN 64

/* One object or array that has begun. */
struct level {
    const char *key; /* NULL: none yet */
    int key_len;
    size_t index;
    bool is_array;
    bool wants_key;
};

struct way {
    struct level levels[JSON_DEPTH_LIMIT];
    size_t depth;
};

static void enter(struct way *way, bool is_array)
{
    if (way->depth < JSON_DEPTH_LIMIT) {
        way->levels[way->depth++] = (struct level){.is_array = is_array, .wants_key = !is_array};
    }
}

/* The end of the string that begins at from, or the position, if that comes first. */
static const char *string_end(const char *from, const char *position)
{
    const char *at = from + 1;

    while (at < position && *at != '"') {
        at += *at == '\\' && position - at > 1 ? 2 : 1;
    }
    return at;
}

static void take_string(struct level *level, const char *from, const char *end)
{
    size_t len = (size_t)(end - from - 1);

    if (level != NULL && level->wants_key) {
        level->key = from + 1;
        level->key_len = (int)(len < KEY_SHOWN ? len : KEY_SHOWN);
        level->wants_key = false;
    }
}

static void take_comma(struct level *level)
{
    if (level != NULL) {
        level->index++;
        level->wants_key = !level->is_array;
    }
}

static void walk(struct way *way, const char *at, const char *position)
{
    for (; at < position; at++) {
        struct level *level = way->depth > 0 ? &way->levels[way->depth - 1] : NULL;
        const char *end = NULL;

        switch (*at) {
        case '"':
            end = string_end(at, position);
            if (end < position) {
                take_string(level, at, end);
            }
            at = end;
            break;
        case '{':
        case '[':
            enter(way, *at == '[');
            break;
        case '}':
        case ']':
            way->depth -= way->depth > 0 ? 1 : 0;
            break;
        case ',':
            take_comma(level);
            break;
        default:
            break;
        }
    }
}

void json_where(struct atlas_bytes text, size_t position, char *ret_path, size_t size)
{
    const char *start = text.data;
    struct way way = {.depth = 0};
    size_t len = 0;

    walk(&way, start, start + (position < text.len ? position : text.len));
    ret_path[0] = '\0';
    for (size_t i = 0; i < way.depth && len < size; i++) {
        const struct level *level = &way.levels[i];
        int more = 0;

        if (level->is_array) {
            more = snprintf(ret_path + len, size - len, "[%zu]", level->index);
        } else if (level->key != NULL && !level->wants_key) {
            more = snprintf(ret_path + len, size - len, "%s%.*s", len > 0 ? "." : "",
                            level->key_len, level->key);
        }
        len += more > 0 ? (size_t)more : 0;
    }
}
