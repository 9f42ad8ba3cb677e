/* The script of answers and the journal of what was asked. */
#include "testhost_private.h"

#include <ctype.h>
#include <stdlib.h>

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = calloc(1, sizeof *block + 16 + size);

    if (block == NULL) {
        testhost_misuse("out of memory");
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return (char *)block + 16;
}

char *arena_text(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(arena_alloc(arena, size), text, size);
}

struct atlas_bytes arena_bytes(struct arena *arena, struct atlas_bytes bytes)
{
    char *copy = arena_alloc(arena, bytes.len + 1);

    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return atlas_bytes_of(copy, bytes.len);
}

void arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
}

/* --- Answers ------------------------------------------------------------------------------------
 */

static struct answer *answer_add(struct testhost *host, enum answer_kind kind, const char *name)
{
    struct answer *answer = arena_alloc(&host->script, sizeof *answer);
    struct answer **end = &host->answers;

    answer->kind = kind;
    answer->name = arena_text(&host->script, name);
    answer->outcome = ATLAS_OUTCOME_DONE;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = answer;
    return answer;
}

struct answer *script_take(struct testhost *host, enum answer_kind kind, const char *name)
{
    for (struct answer **at = &host->answers; *at != NULL; at = &(*at)->next) {
        struct answer *answer = *at;

        if (answer->kind == kind && strcmp(answer->name, name) == 0) {
            *at = answer->next;
            return answer;
        }
    }
    return NULL;
}

/* The declaration of a statement; the test names one that the plugin has. */
static const struct atlas_pg_statement *find_statement(struct testhost *host, const char *name)
{
    const struct atlas_pg_schema *schema = host->table.postgres;

    for (size_t i = 0; schema != NULL && i < schema->statement_count; i++) {
        if (strcmp(schema->statements[i].name, name) == 0) {
            return &schema->statements[i];
        }
    }
    testhost_misuse("the plugin declares no statement %s", name);
}

void testhost_pg_rows(struct testhost *host, const char *statement,
                      const struct atlas_pg_value *values, size_t value_count)
{
    const uint8_t *types = find_statement(host, statement)->columns;
    size_t columns = strlen((const char *)types);
    struct answer *answer = answer_add(host, ANSWER_PG, statement);

    if (columns == 0 ? value_count > 0 : value_count % columns != 0) {
        testhost_misuse("%s has %zu columns: %zu values are no rows of it", statement, columns,
                        value_count);
    }
    answer->rows.column_count = columns;
    answer->rows.row_count = columns > 0 ? value_count / columns : 0;
    answer->rows.affected = (int64_t)answer->rows.row_count;
    answer->rows.values = pg_values_copy(&host->script, values, value_count, types);
}

void testhost_pg_affected(struct testhost *host, const char *statement, int64_t affected)
{
    find_statement(host, statement);
    answer_add(host, ANSWER_PG, statement)->rows.affected = affected;
}

void testhost_pg_fail(struct testhost *host, const char *statement, atlas_status_t status,
                      const char *constraint, enum atlas_outcome outcome)
{
    struct answer *answer = answer_add(host, ANSWER_PG, statement);

    answer->status = status;
    answer->text = constraint != NULL ? arena_text(&host->script, constraint) : "";
    answer->outcome = outcome;
}

void testhost_redis_reply(struct testhost *host, const char *command,
                          const struct atlas_redis_reply *reply)
{
    answer_add(host, ANSWER_REDIS, command)->redis = redis_reply_copy(&host->script, reply);
}

static void redis_text(struct testhost *host, const char *command, enum atlas_redis_type type,
                       const char *text)
{
    struct atlas_redis_reply reply = {.type = type, .string = atlas_str(text)};

    testhost_redis_reply(host, command, &reply);
}

void testhost_redis_string(struct testhost *host, const char *command, const char *text)
{
    redis_text(host, command, ATLAS_REDIS_STRING, text);
}

void testhost_redis_error(struct testhost *host, const char *command, const char *text)
{
    redis_text(host, command, ATLAS_REDIS_ERROR, text);
}

void testhost_redis_integer(struct testhost *host, const char *command, int64_t integer)
{
    struct atlas_redis_reply reply = {.type = ATLAS_REDIS_INTEGER, .integer = integer};

    testhost_redis_reply(host, command, &reply);
}

void testhost_redis_fail(struct testhost *host, atlas_status_t status)
{
    answer_add(host, ANSWER_REDIS_PIPELINE, "")->status = status;
}

void testhost_kafka_fail(struct testhost *host, const char *topic, atlas_status_t status,
                         enum atlas_outcome outcome)
{
    struct answer *answer = answer_add(host, ANSWER_KAFKA, topic);

    answer->status = status;
    answer->outcome = outcome;
}

void testhost_client_reply(struct testhost *host, const char *path, struct atlas_bytes reply)
{
    answer_add(host, ANSWER_CLIENT, path)->bytes = arena_bytes(&host->script, reply);
}

void testhost_client_fail(struct testhost *host, const char *path, atlas_status_t status,
                          const char *message)
{
    struct answer *answer = answer_add(host, ANSWER_CLIENT, path);

    answer->status = status;
    answer->text = arena_text(&host->script, message);
}

/* --- Journal ------------------------------------------------------------------------------------
 */

void journal_add_bytes(struct testhost *host, struct atlas_bytes bytes)
{
    const unsigned char *data = bytes.data;
    char *grown = realloc(host->journal, host->journal_len + bytes.len + 1);

    if (grown == NULL) {
        testhost_misuse("out of memory");
    }
    host->journal = grown;
    for (size_t i = 0; i < bytes.len; i++) {
        host->journal[host->journal_len++] =
            isprint(data[i]) || data[i] >= 0x80 ? (char)data[i] : '.';
    }
    host->journal[host->journal_len] = '\0';
}

void journal_add(struct testhost *host, const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    journal_add_bytes(host, atlas_str(text));
    if (len > 0 && text[strlen(text) - 1] == '\n') {
        host->journal[host->journal_len - 1] = '\n';
    }
}

const char *testhost_journal(struct testhost *host)
{
    return host->journal != NULL ? host->journal : "";
}

bool testhost_did(struct testhost *host, const char *line_start)
{
    const char *line = testhost_journal(host);
    size_t len = strlen(line_start);

    while (*line != '\0') {
        const char *end = strchr(line, '\n');

        if (strncmp(line, line_start, len) == 0) {
            return true;
        }
        line = end != NULL ? end + 1 : line + strlen(line);
    }
    return false;
}

struct deed *script_record(struct testhost *host, const char *name)
{
    struct deed *deed = arena_alloc(&host->script, sizeof *deed);

    deed->name = arena_text(&host->script, name);
    deed->next = host->deeds;
    host->deeds = deed;
    return deed;
}

static const struct deed *find_deed(struct testhost *host, const char *name)
{
    const struct deed *deed = host->deeds;

    while (deed != NULL && strcmp(deed->name, name) != 0) {
        deed = deed->next;
    }
    return deed;
}

const struct atlas_pg_value *testhost_pg_params(struct testhost *host, const char *statement,
                                                size_t *ret_count)
{
    const struct deed *deed = find_deed(host, statement);

    *ret_count = deed != NULL ? deed->param_count : 0;
    return deed != NULL ? deed->params : NULL;
}

struct atlas_bytes testhost_client_request(struct testhost *host, const char *path)
{
    const struct deed *deed = find_deed(host, path);

    return deed != NULL ? deed->request : atlas_bytes_of(NULL, 0);
}

const struct atlas_call_options *testhost_client_options(struct testhost *host, const char *path)
{
    const struct deed *deed = find_deed(host, path);

    return deed != NULL ? &deed->options : NULL;
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
