/* The table of keys in docs/operators.md says what the configuration does: each key with its
 * default and bounds, and none that is not there. */
#include "base/config/config_limits.h"

#include "support/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PAGE_SIZE_MAX (256 * 1024)

static char page[PAGE_SIZE_MAX];

static void read_page(void)
{
    FILE *file = fopen(ATLAS_SOURCE_DIR "/docs/operators.md", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t len = fread(page, 1, sizeof page - 1, file);
    fclose(file);
    CU_ASSERT_TRUE_FATAL(len > 0 && len < sizeof page - 1);
    page[len] = '\0';
}

/* "1KiB to 1GiB ": what stands in the third column. */
static void format_bounds(const struct config_field *field, char *text, size_t size)
{
    static const enum units_kind kinds[] = {[CONFIG_FIELD_WHOLE] = UNITS_PLAIN,
                                            [CONFIG_FIELD_DURATION] = UNITS_DURATION_MS,
                                            [CONFIG_FIELD_SIZE] = UNITS_BYTES};
    char min[UNITS_TEXT_SIZE];
    char max[UNITS_TEXT_SIZE];

    text[0] = '\0';
    if (field->type == CONFIG_FIELD_CHOICE) {
        for (size_t i = 0; field->choices[i] != NULL; i++) {
            size_t len = strlen(text);
            snprintf(text + len, size - len, "%s ", field->choices[i]);
        }
    } else if (field->type == CONFIG_FIELD_FLAG) {
        snprintf(text, size, "true or false ");
    } else if (field->type == CONFIG_FIELD_WHOLE || field->type == CONFIG_FIELD_DURATION ||
               field->type == CONFIG_FIELD_SIZE) {
        snprintf(text, size, "%s to %s ", units_format(kinds[field->type], field->bounds.min, min),
                 units_format(kinds[field->type], field->bounds.max, max));
    }
}

static void expect_row(const char *group, const struct config_field *field)
{
    char bounds[2 * UNITS_TEXT_SIZE + 8];
    char value[128] = "";
    char row[512];

    format_bounds(field, bounds, sizeof bounds);
    if (field->fallback[0] != '\0') {
        snprintf(value, sizeof value, "`%s` ", field->fallback);
    }
    snprintf(row, sizeof row, "\n| `%s.%s` | %s| %s|", group, field->key, value, bounds);
    if (strstr(page, row) == NULL) {
        printf("\ndocs/operators.md, Every key: a row is missing or says something else:%s", row);
        CU_FAIL("row");
    }
}

static bool is_key(const char *name, size_t len)
{
    for (size_t i = 0; i < config_group_count; i++) {
        for (size_t j = 0; j < config_groups[i].count; j++) {
            char key[128];
            int key_len = snprintf(key, sizeof key, "%s.%s", config_groups[i].key,
                                   config_groups[i].fields[j].key);
            if ((size_t)key_len == len && memcmp(key, name, len) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void test_every_key_is_in_the_table(void)
{
    read_page();
    for (size_t i = 0; i < config_group_count; i++) {
        for (size_t j = 0; j < config_groups[i].count; j++) {
            expect_row(config_groups[i].key, &config_groups[i].fields[j]);
        }
    }
}

static void test_the_table_names_no_other_key(void)
{
    static const char head[] = "| key | default | from, to | meaning |";
    read_page();
    const char *at = strstr(page, head);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    while ((at = strstr(at, "\n| `")) != NULL) {
        const char *name = at + strlen("\n| `");
        size_t len = strcspn(name, "`");
        if (!is_key(name, len)) {
            printf("\ndocs/operators.md, Every key: there is no %.*s", (int)len, name);
            CU_FAIL("key");
        }
        at = name;
    }
}

UNIT_MAIN("config_keys", UNIT_TEST(test_every_key_is_in_the_table),
          UNIT_TEST(test_the_table_names_no_other_key))
