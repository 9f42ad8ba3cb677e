#include "testhost_script.h"

#include <ctype.h>
#include <stdlib.h>

#include "testhost_misuse.h"

/* --- Answers ------------------------------------------------------------------------------------
 */

struct answer *script_add(struct testhost *host, enum answer_kind kind, const char *name)
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

const struct deed *script_find(struct testhost *host, const char *name)
{
    const struct deed *deed = host->deeds;

    while (deed != NULL && strcmp(deed->name, name) != 0) {
        deed = deed->next;
    }
    return deed;
}
