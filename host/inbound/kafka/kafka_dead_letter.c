#include "inbound/kafka/kafka_dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/config/config.h"
#include "base/log.h"
#include "inbound/kafka/kafka_batch.h"
#include "services/kafka/kafka_producer.h"

#define ADDED_HEADERS 5
#define SPARE_HEADERS 1 /* for a letter without its value */

static struct atlas_bytes text_of(const char *text)
{
    return (struct atlas_bytes){text, strlen(text)};
}

static struct atlas_bytes number_of(struct call *call, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, number);
    const char *copy = arena_copy(&call->arena, text, (size_t)len);
    return copy != NULL ? (struct atlas_bytes){copy, (size_t)len} : text_of("");
}

/* The letters of one batch: which record each is of, and what became of it. */
struct letters {
    struct kafka_publication *records;
    enum atlas_outcome *outcomes;
    size_t *indices;
    size_t count;
};

static bool make_letter(struct call *call, const struct kafka_batch *batch, size_t index,
                        const char *reason, struct kafka_publication *ret_letter)
{
    const struct atlas_kafka_record *record = &batch->records[index];
    struct atlas_kafka_header *headers = arena_alloc(
        &call->arena, (record->header_count + ADDED_HEADERS + SPARE_HEADERS) * sizeof *headers);
    if (headers == NULL) {
        return false;
    }
    if (record->header_count > 0) {
        memcpy(headers, record->headers, record->header_count * sizeof *headers);
    }
    struct atlas_kafka_header *added = headers + record->header_count;
    const char *topic = rd_kafka_topic_name(batch->messages[index]->rkt);
    added[0] = (struct atlas_kafka_header){"dead-reason", text_of(reason)};
    added[1] = (struct atlas_kafka_header){"dead-status",
                                           text_of(atlas_status_name(batch->statuses[index]))};
    added[2] = (struct atlas_kafka_header){"dead-topic", text_of(topic)};
    added[3] = (struct atlas_kafka_header){"dead-partition", number_of(call, record->partition)};
    added[4] = (struct atlas_kafka_header){"dead-offset", number_of(call, record->offset)};
    *ret_letter = (struct kafka_publication){
        .topic = batch->route->dead_topic,
        .key = record->key,
        .value = record->value,
        .headers = headers,
        .header_count = record->header_count + ADDED_HEADERS,
    };
    return true;
}

static bool make_letters(struct call *call, const struct kafka_batch *batch, size_t settled,
                         const char *default_reason, struct letters *letters)
{
    letters->records = arena_alloc(&call->arena, settled * sizeof *letters->records);
    letters->outcomes = arena_alloc(&call->arena, settled * sizeof *letters->outcomes);
    letters->indices = arena_alloc(&call->arena, settled * sizeof *letters->indices);
    if (letters->records == NULL || letters->outcomes == NULL || letters->indices == NULL) {
        return false;
    }
    for (size_t i = 0; i < settled; i++) {
        const char *reason = batch->reasons[i] != NULL ? batch->reasons[i] : default_reason;
        if (batch->statuses[i] == ATLAS_OK) {
            continue;
        }
        if (!make_letter(call, batch, i, reason, &letters->records[letters->count])) {
            return false;
        }
        letters->indices[letters->count++] = i;
    }
    return true;
}

/* One line for all letters of a batch: a plugin that refuses everything would flood the log. */
static void log_letters(const struct kafka_batch *batch, const struct letters *letters,
                        size_t dead_count, const char *default_reason)
{
    if (dead_count == 0) {
        return;
    }
    size_t first = letters->indices[0];
    const char *reason = batch->reasons[first];
    log_error("records went to the dead-letter topic",
              LOG_TEXT("operation", batch->route->operation),
              LOG_TEXT("topic", batch->route->dead_topic), LOG_INT("count", dead_count),
              LOG_INT("partition", batch->records[first].partition),
              LOG_INT("first_offset", batch->records[first].offset),
              LOG_TEXT("status", atlas_status_name(batch->statuses[first])),
              LOG_TEXT("reason", reason != NULL ? reason : default_reason));
}

/* The letter is larger than its record by the headers, so it may be too large where the record was
 * not. The record must not hold up its partition for ever: its letter goes without the value. */
static atlas_status_t publish_without_value(struct call *call, const struct kafka_batch *batch,
                                            struct kafka_publication *letter,
                                            enum atlas_outcome *ret_outcome)
{
    struct atlas_kafka_header *headers = (struct atlas_kafka_header *)(uintptr_t)letter->headers;
    headers[letter->header_count++] = (struct atlas_kafka_header){
        "dead-value", text_of("left out: the broker refuses the letter with it")};
    letter->value = (struct atlas_bytes){"", 0};
    log_error("a dead letter is refused, sending it without the value",
              LOG_TEXT("operation", batch->route->operation),
              LOG_TEXT("topic", batch->route->dead_topic), LOG_TEXT("reason", call->message));
    return kafka_publish_batch(batch->route->producer, call, letter, 1, ret_outcome);
}

static atlas_status_t publish_alone(struct call *call, const struct kafka_batch *batch,
                                    struct kafka_publication *letter,
                                    enum atlas_outcome *ret_outcome)
{
    atlas_status_t status =
        kafka_publish_batch(batch->route->producer, call, letter, 1, ret_outcome);
    if (status == ATLAS_INVALID_ARGUMENT) {
        status = publish_without_value(call, batch, letter, ret_outcome);
    }
    return status;
}

/* All together; if the broker refuses some for good, the first of these once more, alone. Letters
 * behind it come again with their records. */
static atlas_status_t publish_letters(struct call *call, const struct kafka_batch *batch,
                                      struct letters *letters)
{
    size_t first = 0;
    atlas_status_t status = kafka_publish_batch(batch->route->producer, call, letters->records,
                                                letters->count, letters->outcomes);
    while (first < letters->count && letters->outcomes[first] == ATLAS_OUTCOME_DONE) {
        first++;
    }
    if (status == ATLAS_INVALID_ARGUMENT) {
        status = publish_alone(call, batch, &letters->records[first], &letters->outcomes[first]);
    }
    return status;
}

/* The first letter that the broker may not have ends what is done: its record comes again. */
static void count_done(const struct letters *letters, size_t settled, size_t *ret_done,
                       size_t *ret_dead)
{
    size_t dead = 0;
    while (dead < letters->count && letters->outcomes[dead] == ATLAS_OUTCOME_DONE) {
        dead++;
    }
    *ret_done = dead < letters->count ? letters->indices[dead] : settled;
    *ret_dead = dead;
}

atlas_status_t kafka_dead_letter_publish(struct call *call, const struct kafka_batch *batch,
                                         size_t settled, size_t *ret_done, size_t *ret_dead)
{
    struct letters letters = {.count = 0};
    char reason[CALL_MESSAGE_SIZE] = "no reason given";
    *ret_done = 0;
    *ret_dead = 0;
    if (call->message[0] != '\0') { /* kept here: publishing may set it anew */
        snprintf(reason, sizeof reason, "%s", call->message);
    }
    if (!make_letters(call, batch, settled, reason, &letters)) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "no memory for dead letters; see calls.arena_limit");
    }
    call_interface.cleanup_begin(&call->public, batch->route->settings->publish_ms);
    atlas_status_t status = publish_letters(call, batch, &letters);
    call_interface.cleanup_end(&call->public);
    count_done(&letters, settled, ret_done, ret_dead);
    log_letters(batch, &letters, *ret_dead, reason);
    return status;
}
