/*
 * Transcodes what it is told, for differential.py: a line "E <message> <json>" is answered with the
 * message in hexadecimal, "D <message> <hexadecimal>" with its JSON; a failure with "! <why>".
 */
#include <string.h>

#include "base/arena.h"
#include "fixture.h"
#include "inbound/rest/json_to_proto.h"
#include "inbound/rest/proto_to_json.h"

#define LINE_LIMIT (1u << 20)

static char line[LINE_LIMIT];

static void encode(const struct message_descriptor *message, const char *json, struct arena *arena)
{
    struct buffer out;
    struct error error;

    buffer_init(&out, arena, 64, LINE_LIMIT);
    if (json_to_proto(message, (struct atlas_bytes){json, strlen(json)}, JSON_DEPTH_LIMIT, &out,
                      &error) != ATLAS_OK) {
        printf("! %s\n", error.text);
        return;
    }
    for (size_t i = 0; i < out.len; i++) {
        printf("%02x", out.data[i]);
    }
    printf("\n");
}

static void decode(const struct message_descriptor *message, const char *hex, struct arena *arena)
{
    size_t len = strlen(hex) / 2;
    unsigned char *proto = arena_alloc(arena, len + 1);
    struct buffer out;
    struct error error;

    for (size_t i = 0; proto != NULL && i < len; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        proto[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    buffer_init(&out, arena, 64, LINE_LIMIT);
    if (proto_to_json(message, (struct atlas_bytes){proto, len}, &out, &error) != ATLAS_OK) {
        printf("! %s\n", error.text);
        return;
    }
    printf("%.*s\n", (int)out.len, (const char *)out.data);
}

int main(void)
{
    struct descriptor_set *set = fixture_descriptors();

    while (fgets(line, sizeof line, stdin) != NULL) {
        char name[128];
        struct arena arena;
        char *rest = line + 2;

        rest[strcspn(rest, "\n")] = '\0';
        snprintf(name, sizeof name, "transcode.%s", strsep(&rest, " "));
        const struct message_descriptor *message = descriptors_message(set, name);
        if (message == NULL) {
            return EXIT_FAILURE;
        }
        arena_init(&arena, NULL, 64 * LINE_LIMIT);
        (line[0] == 'E' ? encode : decode)(message, rest != NULL ? rest : "", &arena);
        arena_finish(&arena);
        fflush(stdout);
    }
    descriptors_destroy(set);
    return EXIT_SUCCESS;
}
