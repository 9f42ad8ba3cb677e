/* Goes through the table that the configuration is read by. */
#include "base/config/config_differs.h"

#include <stdio.h>
#include <string.h>

#include "base/config/config.h"
#include "base/config/config_limits.h"

#define PATH_SIZE 128

struct comparison {
    config_difference_fn *found;
    void *arg;
};

static const char *whole_text(enum units_kind kind, const void *member, char *buffer)
{
    return units_format(kind, *(const int64_t *)member, buffer);
}

/* The value as the file would have it; buffer has UNITS_TEXT_SIZE bytes. */
static const char *value_text(const struct config_field *field, const void *member, char *buffer)
{
    switch (field->type) {
    case CONFIG_FIELD_WHOLE:
        return whole_text(UNITS_PLAIN, member, buffer);
    case CONFIG_FIELD_DURATION:
        return whole_text(UNITS_DURATION_MS, member, buffer);
    case CONFIG_FIELD_SIZE:
        return whole_text(UNITS_BYTES, member, buffer);
    case CONFIG_FIELD_FLAG:
        return *(const bool *)member ? "true" : "false";
    case CONFIG_FIELD_CHOICE:
        return field->choices[*(const int *)member];
    case CONFIG_FIELD_TEXT:
    case CONFIG_FIELD_PATH:
        return *(const char *const *)member;
    case CONFIG_FIELD_ADDRESS: /* these stand in no group of single values */
    case CONFIG_FIELD_TEXTS:
    case CONFIG_FIELD_TREE:
        break;
    }
    return "";
}

static void compare_texts(const struct comparison *comparison, const char *path, const char *former,
                          const char *newer, bool is_secret)
{
    former = former != NULL ? former : "";
    newer = newer != NULL ? newer : "";
    if (strcmp(former, newer) != 0) {
        comparison->found(comparison->arg, path, is_secret ? "(secret)" : former,
                          is_secret ? "(secret)" : newer);
    }
}

static void compare_group(const struct comparison *comparison, const struct config_group *group,
                          const struct config *former, const struct config *newer)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct config_field *field = &group->fields[i];
        size_t offset = group->offset + field->offset;
        char path[PATH_SIZE];
        char buffers[2][UNITS_TEXT_SIZE];
        snprintf(path, sizeof path, "%s.%s", group->key, field->key);
        compare_texts(comparison, path,
                      value_text(field, (const char *)former + offset, buffers[0]),
                      value_text(field, (const char *)newer + offset, buffers[1]),
                      strcmp(field->key, "password") == 0);
    }
}

static void compare_process(const struct comparison *comparison,
                            const struct config_process *former, const struct config_process *newer)
{
    char path[PATH_SIZE];
    char buffers[2][UNITS_TEXT_SIZE];
    snprintf(path, sizeof path, "processes.%s.loops", newer->name);
    compare_texts(comparison, path, units_format(UNITS_PLAIN, former->loops, buffers[0]),
                  units_format(UNITS_PLAIN, newer->loops, buffers[1]), false);
    snprintf(path, sizeof path, "processes.%s.admin", newer->name);
    compare_texts(comparison, path, former->admin.text, newer->admin.text, false);
}

void config_differs(const struct config *former, const struct config *newer, const char *process,
                    config_difference_fn *found, void *arg)
{
    const struct comparison comparison = {found, arg};
    const struct config_process *former_process = config_process(former, process);
    const struct config_process *newer_process = config_process(newer, process);

    for (size_t i = 0; i < config_group_count; i++) {
        compare_group(&comparison, &config_groups[i], former, newer);
    }
    compare_texts(&comparison, "run_dir", former->run_dir, newer->run_dir, false);
    if (former_process != NULL && newer_process != NULL) {
        compare_process(&comparison, former_process, newer_process);
    }
}
