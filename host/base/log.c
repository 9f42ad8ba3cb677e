#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 4096

static _Atomic int log_level = ATLAS_LOG_INFO;
static char log_process[64] = "atlas";

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void put(struct line *line, const char *text, size_t len)
{
    size_t room = sizeof line->text - 5 - line->len; /* "...\"\n" always fits */
    size_t take = len < room ? len : room;
    memcpy(line->text + line->len, text, take);
    line->len += take;
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

static void put_escaped(struct line *line, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char escaped[8];
        if (c == '"' || c == '\\') {
            snprintf(escaped, sizeof escaped, "\\%c", c);
        } else if (c == '\n') {
            snprintf(escaped, sizeof escaped, "\\n");
        } else if (c < ' ' || c == 0x7f) {
            snprintf(escaped, sizeof escaped, "\\x%02x", c);
        } else {
            put(line, text + i, 1);
            continue;
        }
        put_text(line, escaped);
    }
}

static void put_value(struct line *line, const char *text, size_t len)
{
    if (is_plain(text, len)) {
        put(line, text, len);
        return;
    }
    put_text(line, "\"");
    put_escaped(line, text, len);
    put_text(line, "\"");
}

static void put_field(struct line *line, const struct log_field *field)
{
    put_text(line, " ");
    put_text(line, field->key);
    put_text(line, "=");
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
    if (line.len >= sizeof line.text - 5) {
        memcpy(line.text + line.len, "...", 3);
        line.len += 3;
    }
    line.text[line.len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored; /* there is nowhere to say that saying failed */
}
