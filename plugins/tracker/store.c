/* The Redis of the tracker. */
#include "tracker/store.h"

#include <stdlib.h>

#include "tracker_scripts.h"

#define POSITIONS "tracker:positions"
#define SEEN      "tracker:seen"

/* Words of an event in move.lua. */
#define EVENT_WORDS 4

static const struct atlas_bytes keys[] = {{POSITIONS, sizeof POSITIONS - 1},
                                          {SEEN, sizeof SEEN - 1}};

/* Numbers as words in the arena; the caller looks for data NULL. 8 digits are a millimetre. */
static struct atlas_bytes number_word(struct atlas_call *call, double number)
{
    return atlas_str(atlas_printf(call, "%.8f", number));
}

static struct atlas_bytes integer_word(struct atlas_call *call, int64_t integer)
{
    char *text = atlas_printf(call, "%lld", (long long)integer);

    return atlas_str(text);
}

/* Redis puts 180 degrees, also what is rounded to it, into a cell beyond its last one, which no
 * search from elsewhere looks into. The same meridian is -180. */
static struct atlas_bytes longitude_word(struct atlas_call *call, double longitude)
{
    return number_word(call, longitude >= 179.999999995 ? -180.0 : longitude);
}

/* Replies are C strings behind their length. */
static double number_of(const struct atlas_redis_reply *reply)
{
    return reply->type == ATLAS_REDIS_STRING ? strtod(reply->string.data, NULL) : 0.0;
}

/* --- Writing --- */

static bool event_words(struct atlas_call *call, const struct position *position,
                        struct atlas_bytes *words)
{
    words[0] = atlas_str(position->driver_id);
    words[1] = integer_word(call, position->seen_us);
    words[2] = longitude_word(call, position->longitude);
    words[3] = number_word(call, position->latitude);
    return words[1].data != NULL && words[2].data != NULL && words[3].data != NULL;
}

static atlas_status_t run(struct atlas_call *call, const struct atlas_redis_script *script,
                          const struct atlas_bytes *arguments, size_t argument_count,
                          int64_t *ret_integer)
{
    struct atlas_redis_reply reply;

    atlas_status_t status =
        atlas_redis_eval(call, script, keys, ATLAS_COUNT(keys), arguments, argument_count, &reply);
    if (status != ATLAS_OK) {
        return status;
    }
    if (reply.type != ATLAS_REDIS_INTEGER) {
        return atlas_redis_unexpected(call, "positions of drivers", &reply);
    }
    *ret_integer = reply.integer;
    return ATLAS_OK;
}

atlas_status_t store_move(struct atlas_call *call, const struct position *positions, size_t count)
{
    struct atlas_bytes *words = ATLAS_NEW(call, struct atlas_bytes, count * EVENT_WORDS);
    int64_t moved;

    if (words == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < count; i++) {
        if (!event_words(call, &positions[i], words + i * EVENT_WORDS)) {
            return atlas_no_memory(call);
        }
    }
    return run(call, &tracker_move_script, words, count * EVENT_WORDS, &moved);
}

atlas_status_t store_expire(struct atlas_call *call, int64_t before_us, int64_t limit,
                            int64_t *ret_removed)
{
    const struct atlas_bytes arguments[] = {integer_word(call, before_us),
                                            integer_word(call, limit)};

    if (arguments[0].data == NULL || arguments[1].data == NULL) {
        return atlas_no_memory(call);
    }
    return run(call, &tracker_expire_script, arguments, ATLAS_COUNT(arguments), ret_removed);
}

/* --- One driver --- */

/* The reply to GEOPOS for one member: [[longitude, latitude]], or [nil]. */
static bool read_geopos(const struct atlas_redis_reply *reply, struct position *ret_position)
{
    const struct atlas_redis_reply *point = reply->count == 1 ? reply->items : NULL;

    if (point == NULL || point->type != ATLAS_REDIS_ARRAY || point->count != 2) {
        return false;
    }
    ret_position->longitude = number_of(&point->items[0]);
    ret_position->latitude = number_of(&point->items[1]);
    return true;
}

atlas_status_t store_find(struct atlas_call *call, const char *driver_id,
                          struct position *ret_position)
{
    const struct atlas_bytes geopos[] = {atlas_str("GEOPOS"), keys[0], atlas_str(driver_id)};
    const struct atlas_bytes zscore[] = {atlas_str("ZSCORE"), keys[1], atlas_str(driver_id)};
    const struct atlas_redis_command commands[] = {{geopos, ATLAS_COUNT(geopos)},
                                                   {zscore, ATLAS_COUNT(zscore)}};
    struct atlas_redis_reply replies[ATLAS_COUNT(commands)];
    struct position position = {.driver_id = driver_id};

    atlas_status_t status = atlas_redis_pipeline(call, commands, ATLAS_COUNT(commands), replies);
    if (status != ATLAS_OK) {
        return status;
    }
    for (size_t i = 0; i < ATLAS_COUNT(replies); i++) {
        if (replies[i].type == ATLAS_REDIS_ERROR) {
            return atlas_redis_unexpected(call, "position of a driver", &replies[i]);
        }
    }
    if (!read_geopos(&replies[0], &position) || replies[1].type != ATLAS_REDIS_STRING) {
        return atlas_fail(call, ATLAS_NOT_FOUND, "driver %s has no known position", driver_id);
    }
    position.seen_us = (int64_t)number_of(&replies[1]);
    *ret_position = position;
    return ATLAS_OK;
}

/* --- Searching --- */

/* One of GEOSEARCH with distance and coordinates: [driver, km, [longitude, latitude]]. */
static bool read_found(const struct atlas_redis_reply *item, struct position *ret_position)
{
    if (item->type != ATLAS_REDIS_ARRAY || item->count != 3 || item->items[2].count != 2) {
        return false;
    }
    ret_position->driver_id = item->items[0].string.data;
    ret_position->distance_km = number_of(&item->items[1]);
    ret_position->longitude = number_of(&item->items[2].items[0]);
    ret_position->latitude = number_of(&item->items[2].items[1]);
    return true;
}

static atlas_status_t geosearch(struct atlas_call *call, const struct position *center,
                                double radius_km, size_t limit, struct atlas_redis_reply *ret_reply)
{
    const struct atlas_bytes words[] = {
        atlas_str("GEOSEARCH"),
        keys[0],
        atlas_str("FROMLONLAT"),
        longitude_word(call, center->longitude),
        number_word(call, center->latitude),
        atlas_str("BYRADIUS"),
        number_word(call, radius_km),
        atlas_str("km"),
        atlas_str("ASC"),
        atlas_str("COUNT"),
        integer_word(call, (int64_t)limit),
        atlas_str("WITHDIST"),
        atlas_str("WITHCOORD"),
    };

    for (size_t i = 0; i < ATLAS_COUNT(words); i++) {
        if (words[i].data == NULL) {
            return atlas_no_memory(call);
        }
    }
    atlas_status_t status = atlas_redis_command(call, words, ATLAS_COUNT(words), ret_reply);
    if (status == ATLAS_OK && ret_reply->type != ATLAS_REDIS_ARRAY) {
        status = atlas_redis_unexpected(call, "drivers nearby", ret_reply);
    }
    return status;
}

/* When each of the found was seen; one that was just forgotten stays at 0. */
static atlas_status_t add_times(struct atlas_call *call, struct position *found, size_t count)
{
    struct atlas_bytes *words = ATLAS_NEW(call, struct atlas_bytes, count + 2);
    struct atlas_redis_reply reply;

    if (words == NULL) {
        return atlas_no_memory(call);
    }
    words[0] = atlas_str("ZMSCORE");
    words[1] = keys[1];
    for (size_t i = 0; i < count; i++) {
        words[i + 2] = atlas_str(found[i].driver_id);
    }
    atlas_status_t status = atlas_redis_command(call, words, count + 2, &reply);
    if (status != ATLAS_OK) {
        return status;
    }
    if (reply.type != ATLAS_REDIS_ARRAY || reply.count != count) {
        return atlas_redis_unexpected(call, "drivers nearby", &reply);
    }
    for (size_t i = 0; i < count; i++) {
        found[i].seen_us = (int64_t)number_of(&reply.items[i]);
    }
    return ATLAS_OK;
}

atlas_status_t store_search(struct atlas_call *call, const struct position *center,
                            double radius_km, size_t limit, struct position **ret_found,
                            size_t *ret_count)
{
    struct atlas_redis_reply reply;
    struct position *found;

    atlas_status_t status = geosearch(call, center, radius_km, limit, &reply);
    if (status != ATLAS_OK) {
        return status;
    }
    found = ATLAS_NEW(call, struct position, reply.count);
    if (found == NULL) {
        return atlas_no_memory(call);
    }
    for (size_t i = 0; i < reply.count; i++) {
        if (!read_found(&reply.items[i], &found[i])) {
            return atlas_redis_unexpected(call, "drivers nearby", &reply.items[i]);
        }
    }
    if (reply.count > 0) {
        status = add_times(call, found, reply.count);
    }
    *ret_found = found;
    *ret_count = reply.count;
    return status;
}
