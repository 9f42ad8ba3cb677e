#include "testhost_metadata.h"

void metadata_add(struct arena *arena, struct metadata_list *list,
                  const struct atlas_metadata *entry)
{
    struct metadata_entry *added = arena_alloc(arena, sizeof *added);
    struct metadata_entry **end = &list->first;

    added->metadata.name = arena_bytes(arena, entry->name);
    added->metadata.value = arena_bytes(arena, entry->value);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = added;
}

void metadata_add_all(struct arena *arena, struct metadata_list *list,
                      const struct metadata_list *source)
{
    for (const struct metadata_entry *entry = source->first; entry != NULL; entry = entry->next) {
        metadata_add(arena, list, &entry->metadata);
    }
}

bool metadata_get(const struct metadata_list *list, size_t n, struct atlas_metadata *ret_entry)
{
    const struct metadata_entry *entry = list->first;

    while (entry != NULL && n > 0) {
        entry = entry->next;
        n--;
    }
    if (entry != NULL) {
        *ret_entry = entry->metadata;
    }
    return entry != NULL;
}

struct atlas_bytes metadata_value(const struct metadata_list *list, const char *name)
{
    struct atlas_metadata entry;

    for (size_t n = 0; metadata_get(list, n, &entry); n++) {
        if (atlas_bytes_equal(entry.name, atlas_str(name))) {
            return entry.value;
        }
    }
    return atlas_bytes_of(NULL, 0);
}

/* As the host has them. */
static bool is_reserved(struct atlas_bytes name)
{
    static const char *const reserved[] = {
        "atlas-identity", "connection", "content-length",    "content-type", "host",
        "keep-alive",     "te",         "proxy-connection",  "traceparent",  "trailer",
        "upgrade",        "user-agent", "transfer-encoding",
    };

    for (size_t i = 0; i < ATLAS_COUNT(reserved); i++) {
        if (atlas_bytes_equal(name, atlas_str(reserved[i]))) {
            return true;
        }
    }
    return name.len >= 5 && memcmp(name.data, "grpc-", 5) == 0;
}

static bool is_valid_name(struct atlas_bytes name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    const char *text = name.data;

    for (size_t i = 0; i < name.len; i++) {
        if (text[i] == '\0' || strchr(allowed, text[i]) == NULL) {
            return false;
        }
    }
    return name.len > 0 && !is_reserved(name);
}

bool metadata_is_valid(const struct atlas_metadata *entry)
{
    const unsigned char *value = entry->value.data;
    const char *name = entry->name.data;

    if (!is_valid_name(entry->name)) {
        return false;
    }
    if (entry->name.len > 4 && memcmp(name + entry->name.len - 4, "-bin", 4) == 0) {
        return true;
    }
    for (size_t i = 0; i < entry->value.len; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e) {
            return false;
        }
    }
    return true;
}
