#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES 4096

static _Atomic int log_level = ATLAS_LOG_INFO;
static char log_process[64] = "atlas";

/* Behind what is cut: ...", and the end of the line. */
#define ROOM_FOR_END 5

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
    bool is_cut;  /* nothing follows but its end */
    bool is_open; /* a quote */
};

/* As a whole or not at all. */
static void put(struct line *line, const char *text, size_t len)
{
    line->is_cut = line->is_cut || len > sizeof line->text - ROOM_FOR_END - line->len;
    if (!line->is_cut) {
        memcpy(line->text + line->len, text, len);
        line->len += len;
    }
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f) {
            return false;
        }
    }
    return len > 0;
}

/* The two characters of a short escape; NULL if there is none for it. */
static const char *short_escape(unsigned char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* One character of len bytes; 0: a byte that begins none. Escapes are those of JSON, which readers
 * of logfmt know. Control characters, also those of two bytes (U+0080 to U+009F), would command a
 * terminal. */
static void put_character(struct line *line, const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    bool is_control = len == 1 ? bytes[0] < ' ' || bytes[0] == 0x7f
                               : len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
    char escape[8];

    if (len == 0) {
        put_text(line, "\\ufffd");
    } else if (short_escape(bytes[0]) != NULL) {
        put_text(line, short_escape(bytes[0]));
    } else if (is_control) {
        snprintf(escape, sizeof escape, "\\u%04x", bytes[len - 1]);
        put_text(line, escape);
    } else {
        put(line, text, len);
    }
}

static void put_characters(struct line *line, const char *text, size_t len)
{
    for (size_t i = 0; i < len && !line->is_cut;) {
        size_t sequence = utf8_sequence(text + i, len - i);
        put_character(line, text + i, sequence);
        i += sequence > 0 ? sequence : 1;
    }
}

static void put_value(struct line *line, const char *text, size_t len)
{
    if (is_plain(text, len)) {
        put_characters(line, text, len);
        return;
    }
    put_text(line, "\"");
    line->is_open = !line->is_cut;
    put_characters(line, text, len);
    put_text(line, "\"");
    line->is_open = line->is_open && line->is_cut;
}

static void put_key(struct line *line, const char *key)
{
    char text[64];
    snprintf(text, sizeof text, " %s=", key);
    put_text(line, text);
}

static void put_field(struct line *line, const struct log_field *field)
{
    put_key(line, field->key);
    if (field->is_integer) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)field->integer);
        put_text(line, number);
        return;
    }
    const char *text = field->text != NULL ? field->text : "";
    put_value(line, text, field->len == SIZE_MAX ? strlen(text) : field->len);
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, sizeof text, "time=%Y-%m-%dT%H:%M:%S", &utc);
    put(line, text, len);
    snprintf(text, sizeof text, ".%03ldZ", now.tv_nsec / 1000000);
    put_text(line, text);
}

static void put_end(struct line *line)
{
    const char *end = !line->is_cut ? "\n" : line->is_open ? "...\"\n" : "...\n";
    memcpy(line->text + line->len, end, strlen(end));
    line->len += strlen(end);
}

void log_set_level(enum atlas_log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_is_enabled(enum atlas_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

bool log_is_due(int64_t *told_ns)
{
    int64_t now_ns = clock_monotonic_ns();
    if (*told_ns != 0 && now_ns - *told_ns < NS_PER_S) {
        return false;
    }
    *told_ns = now_ns;
    return true;
}

void log_set_process(const char *name)
{
    snprintf(log_process, sizeof log_process, "%s", name);
}

void log_write(enum atlas_log_level level, const char *message, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (!log_is_enabled(level)) {
        return;
    }
    struct line line = {.len = 0};
    put_time(&line);
    put_field(&line, &LOG_TEXT("level", names[level & 3]));
    put_field(&line, &LOG_TEXT("process", log_process));
    put_field(&line, &LOG_TEXT("msg", message));
    va_list fields;
    va_start(fields, message);
    for (struct log_field field; (field = va_arg(fields, struct log_field)).key != NULL;) {
        put_field(&line, &field);
    }
    va_end(fields);
    put_end(&line);
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored; /* there is nowhere to say that saying failed */
}
