/* Time and randomness from the host, and what is made of both: UUIDs. */
#ifndef ATLAS_SDK_CLOCK_H
#define ATLAS_SDK_CLOCK_H

#include "atlas/sdk_memory.h"

/* 36 characters and the NUL. */
#define ATLAS_UUID_SIZE 37

/* Microseconds since 1970-01-01 00:00:00 UTC. */
static inline int64_t atlas_now_us(struct atlas_call *call)
{
    return call->interfaces->clock->wall_us(call);
}

/* Nanoseconds that only grow, from an unnamed start. */
static inline int64_t atlas_monotonic_ns(struct atlas_call *call)
{
    return call->interfaces->clock->monotonic_ns(call);
}

/* Fills the buffer with random bytes. */
static inline void atlas_random(struct atlas_call *call, void *buffer, size_t len)
{
    call->interfaces->clock->random(call, buffer, len);
}

/* A version 7 UUID (RFC 9562): 48 bits of wall-clock milliseconds, then random bits, so that ids
 * made one after the other lie side by side in an index. Lower case. */
static inline void atlas_uuid(struct atlas_call *call, char ret_text[ATLAS_UUID_SIZE])
{
    uint64_t ms = (uint64_t)(atlas_now_us(call) / 1000);
    unsigned char b[16];
    int i;

    atlas_random(call, b, sizeof b);
    for (i = 0; i < 6; i++) {
        b[i] = (unsigned char)((ms >> (40 - 8 * i)) & 0xff);
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x70);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(ret_text, ATLAS_UUID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

/* Copies a UUID in either case to lower case, as atlas_pg_uuid needs it; false: text is none. */
static inline bool atlas_uuid_parse(const char *text, char ret_text[ATLAS_UUID_SIZE])
{
    size_t i;

    if (text == NULL || strlen(text) != ATLAS_UUID_SIZE - 1) {
        return false;
    }
    for (i = 0; i < ATLAS_UUID_SIZE - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = text[i];

        if (c >= 'A' && c <= 'F') {
            c = (char)(c - 'A' + 'a');
        }
        if (is_dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        ret_text[i] = c;
    }
    ret_text[i] = '\0';
    return true;
}

#endif
