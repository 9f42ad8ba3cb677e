#include "testhost_kafka.h"

#include "testhost_call.h"
#include "testhost_misuse.h"
#include "testhost_script.h"

static const struct atlas_kafka_header *
copy_headers(struct arena *arena, const struct atlas_kafka_header *headers, size_t count)
{
    struct atlas_kafka_header *copy = arena_alloc(arena, count * sizeof *copy);

    for (size_t i = 0; i < count; i++) {
        copy[i].name = arena_text(arena, headers[i].name);
        copy[i].value = arena_bytes(arena, headers[i].value);
    }
    return copy;
}

static void keep(struct testhost *host, const char *topic, struct atlas_bytes key,
                 struct atlas_bytes value, const struct atlas_kafka_header *headers,
                 size_t header_count)
{
    struct publication *publication = arena_alloc(&host->script, sizeof *publication);

    publication->record.topic = arena_text(&host->script, topic);
    publication->record.key = arena_bytes(&host->script, key);
    publication->record.value = arena_bytes(&host->script, value);
    publication->record.headers = copy_headers(&host->script, headers, header_count);
    publication->record.header_count = header_count;
    *host->publications_end = publication;
    host->publications_end = &publication->next;
}

static atlas_status_t publish(struct atlas_call *call, const char *topic, struct atlas_bytes key,
                              struct atlas_bytes value, const struct atlas_kafka_header *headers,
                              size_t header_count, enum atlas_outcome *ret_outcome)
{
    struct testhost *host = host_of(call);
    enum atlas_outcome outcome = ATLAS_OUTCOME_NOT_DONE;
    struct answer *answer;

    atlas_status_t status = call_wait(call, "kafka");
    if (status == ATLAS_OK) {
        journal_add(host, "kafka %s ", topic);
        journal_add_bytes(host, key);
        journal_add(host, "\n");
        answer = script_take(host, ANSWER_KAFKA, topic);
        outcome = answer != NULL ? answer->outcome : ATLAS_OUTCOME_DONE;
        if (answer != NULL) {
            status = atlas_fail(call, answer->status, "%s: scripted failure", topic);
        } else {
            keep(host, topic, key, value, headers, header_count);
        }
    }
    if (ret_outcome != NULL) {
        *ret_outcome = outcome;
    }
    return status;
}

static void reject(struct atlas_call *call, size_t index, struct atlas_bytes reason)
{
    struct testhost *host = host_of(call);

    if (index >= ATLAS_COUNT(host->reasons)) {
        testhost_misuse("record %zu was rejected: a batch of the test host has at most %zu", index,
                        ATLAS_COUNT(host->reasons));
    }
    host->reasons[index] = arena_bytes(&host->script, reason).data;
}

struct atlas_kafka_interface const *kafka_interface(void)
{
    static const struct atlas_kafka_interface table = {sizeof table, publish, reject};

    return &table;
}

/* --- For the test -------------------------------------------------------------------------------
 */

void testhost_kafka_fail(struct testhost *host, const char *topic, atlas_status_t status,
                         enum atlas_outcome outcome)
{
    struct answer *answer = script_add(host, ANSWER_KAFKA, topic);

    answer->status = status;
    answer->outcome = outcome;
}

const struct testhost_published *testhost_published(struct testhost *host, size_t n)
{
    const struct publication *publication = host->publications;

    while (publication != NULL && n > 0) {
        publication = publication->next;
        n--;
    }
    return publication != NULL ? &publication->record : NULL;
}
