/*
 * Log lines: one fact, one line, key=value, values quoted where they need it, written with one
 * write(2) so that lines of several threads and processes do not mix.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "atlas/log.h"

struct log_field {
    const char *key;
    const char *text;
    size_t len; /* of text; SIZE_MAX: up to its NUL */
    int64_t integer;
    bool is_integer;
};

#define LOG_TEXT(key, value)       ((struct log_field){(key), (value), SIZE_MAX, 0, false})
#define LOG_BYTES(key, value, len) ((struct log_field){(key), (value), (len), 0, false})
#define LOG_INT(key, value)        ((struct log_field){(key), NULL, 0, (int64_t)(value), true})
#define LOG_END                    ((struct log_field){NULL, NULL, 0, 0, false})

/* log_info("reload committed", LOG_TEXT("plugin", id), LOG_INT("generation", number)) */
#define log_error(...) log_write(ATLAS_LOG_ERROR, __VA_ARGS__, LOG_END)
#define log_warn(...)  log_write(ATLAS_LOG_WARN, __VA_ARGS__, LOG_END)
#define log_info(...)  log_write(ATLAS_LOG_INFO, __VA_ARGS__, LOG_END)
#define log_debug(...) log_write(ATLAS_LOG_DEBUG, __VA_ARGS__, LOG_END)

/* Lines above this level are not written. Any thread. */
void log_set_level(enum atlas_log_level level);
bool log_is_enabled(enum atlas_log_level level);

/* The process name that stands in every line; copied. Before threads start. */
void log_set_process(const char *name);

/* True at most once a second: for what a client or a full machine can bring about again and again.
 * *told_ns begins as 0 and belongs to one thread. */
bool log_is_due(int64_t *told_ns);

/* Writes one line to standard error, at most 4 KiB; a longer one is cut between two characters and
 * ends in "...", before the closing quote if one is open. What is no UTF-8 is written as U+FFFD.
 * The fields are struct log_field by value, ended by LOG_END. Any thread. */
void log_write(enum atlas_log_level level, const char *message, ...);

#endif
