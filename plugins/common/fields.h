/*
 * What the services check and convert alike: ids, coordinates, times. A failed check is
 * INVALID_ARGUMENT and names the field as the client wrote it.
 */
#ifndef PLUGINS_COMMON_FIELDS_H
#define PLUGINS_COMMON_FIELDS_H

#include "atlas/sdk.h"
#include "google/protobuf/timestamp.pb-c.h"

/* Characters in an id, and the bytes that they and a NUL take in UTF-8. */
#define FIELDS_ID_LIMIT 64
#define FIELDS_ID_SIZE  (4 * FIELDS_ID_LIMIT + 1)

/* 1 to 64 printable characters; text may be NULL. [call] */
atlas_status_t fields_check_id(struct atlas_call *call, const char *name, const char *text);

/* A UUID, copied in lower case. [call] */
atlas_status_t fields_parse_uuid(struct atlas_call *call, const char *name, const char *text,
                                 char ret_uuid[ATLAS_UUID_SIZE]);

/* An ISO 4217 code: three capital letters; text may be NULL. */
bool fields_is_currency(const char *text);

/* For check(): the configuration key holds such a code. */
atlas_status_t fields_check_currency_key(const struct atlas_config *config, const char *key,
                                         char *text, size_t text_size);

/* Degrees that were given, are finite and in range: north -90 to 90, east -180 to 180. [call] */
atlas_status_t fields_check_latitude(struct atlas_call *call, const char *name, bool is_given,
                                     double degrees);
atlas_status_t fields_check_longitude(struct atlas_call *call, const char *name, bool is_given,
                                      double degrees);

/* A time of protobuf in the arena of call, from microseconds since 1970-01-01 UTC; NULL if the
 * arena is used up. [call] */
Google__Protobuf__Timestamp *fields_time_new(struct atlas_call *call, int64_t time_us);

/* The other way; INT64_MIN for NULL and for what lies outside the years 1 to 9999. */
int64_t fields_time_us(const Google__Protobuf__Timestamp *time);

#endif
