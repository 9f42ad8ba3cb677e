/* Reading a plugin's file: the good one, the wrong ones, and any damage that one can think of. */
#include "runtime/loader/elf_image.h"

#include "atlas/manifest.h"
#include "base/report.h"
#include "runtime/loader/elf_lint.h"
#include "runtime/loader/manifest.h"
#include "support/unit.h"

#include <string.h>

#define PLUGINS ATLAS_BUILD_DIR "/tests/unit/plugins/"

static struct error error;

static struct elf_image *read_plugin(const char *name)
{
    struct elf_image *image = NULL;
    char path[512];

    snprintf(path, sizeof path, PLUGINS "%s.so", name);
    if (elf_image_read(path, &image, &error) != ATLAS_OK) {
        printf("%s\n", error.text);
    }
    return image;
}

static void test_good_plugin_has_its_manifest_note(void)
{
    struct elf_image *image = read_plugin("good");
    struct elf_note note = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    CU_ASSERT_TRUE_FATAL(elf_image_next_note(image, ATLAS_NOTE_OWNER, &note));
    CU_ASSERT_EQUAL(note.type, ATLAS_NOTE_MANIFEST);
    CU_ASSERT_EQUAL(strncmp((const char *)note.data, "plugin bare 1.2.3\n", 18), 0);
    CU_ASSERT_FALSE(elf_image_next_note(image, ATLAS_NOTE_OWNER, &note));
    note = (struct elf_note){0};
    CU_ASSERT_FALSE(elf_image_next_note(image, "NOBODY", &note));
    elf_image_destroy(image);
}

static void test_what_is_no_plugin_is_refused_with_its_path(void)
{
    struct elf_image *image = NULL;

    CU_ASSERT_EQUAL(elf_image_read(PLUGINS "absent.so", &image, &error), ATLAS_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "absent.so: cannot be opened"));
    CU_ASSERT_EQUAL(elf_image_read(PLUGINS, &image, &error), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(elf_image_read("/dev/zero", &image, &error), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_EQUAL(elf_image_read(ATLAS_SOURCE_DIR "/CMakeLists.txt", &image, &error),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "it is no ELF file"));
    CU_ASSERT_EQUAL(elf_image_parse("empty", "", 0, &image, &error), ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NULL(image);
}

/* Everything that looks at an image, on whatever bytes. */
static void look_at(const unsigned char *bytes, size_t size)
{
    struct elf_image *image = NULL;
    struct report report;

    if (elf_image_parse("damaged", bytes, size, &image, &error) != ATLAS_OK) {
        return;
    }
    report_init(&report);
    elf_lint(image, "damaged", &report);
    manifest_destroy(manifest_read(image, "damaged", &report));
    report_finish(&report);
    elf_image_destroy(image);
}

/* In memory of exactly that size, so that a sanitizer or valgrind sees one byte too far. */
static void look_at_copy(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size + 1);

    if (copy != NULL) {
        memcpy(copy, bytes, size);
        look_at(copy, size);
        free(copy);
    }
}

static void test_truncation_anywhere_is_no_crash(void)
{
    struct elf_image *image = read_plugin("good");

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    for (size_t size = 0; size < image->size; size += size < 4096 ? 1 : 61) {
        look_at_copy(image->bytes, size);
    }
    elf_image_destroy(image);
}

/* A copy under way that was looked at too early: all that is loaded may be there already. */
static void test_file_that_is_cut_off_is_refused(void)
{
    struct elf_image *image = read_plugin("good");
    struct elf_image *cut = NULL;

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    for (uint64_t size = 1; size < image->size; size += 97) {
        CU_ASSERT_EQUAL(elf_image_parse("cut.so", image->bytes, size, &cut, &error),
                        ATLAS_INVALID_ARGUMENT);
    }
    CU_ASSERT_EQUAL(elf_image_parse("cut.so", image->bytes, image->size - 1, &cut, &error),
                    ATLAS_INVALID_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "it is cut off"));
    CU_ASSERT_PTR_NULL(cut);
    elf_image_destroy(image);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Headers, dynamic section and notes are where offsets and counts stand. */
static void test_damage_of_headers_is_no_crash(void)
{
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct elf_image *image = read_plugin("good");

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    for (size_t i = 0; i < 2048 && i < image->size; i++) {
        unsigned char old = image->bytes[i];
        for (size_t j = 0; j < sizeof values; j++) {
            image->bytes[i] = values[j];
            look_at(image->bytes, image->size);
        }
        image->bytes[i] = old;
    }
    for (uint64_t i = image->dynamic.offset; i < image->dynamic.offset + image->dynamic.size; i++) {
        unsigned char old = image->bytes[i];
        for (size_t j = 0; j < sizeof values; j++) {
            image->bytes[i] = values[j];
            look_at(image->bytes, image->size);
        }
        image->bytes[i] = old;
    }
    elf_image_destroy(image);
}

static void test_random_damage_is_no_crash(void)
{
    struct elf_image *image = read_plugin("good");
    uint32_t state = 20261122;

    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    for (int round = 0; round < 2000; round++) {
        uint64_t places[8];
        unsigned char olds[8];
        for (size_t i = 0; i < 8; i++) {
            places[i] = next_random(&state) % (i < 6 ? 2048 : image->size);
            olds[i] = image->bytes[places[i]];
            image->bytes[places[i]] = (unsigned char)next_random(&state);
        }
        look_at(image->bytes, image->size);
        for (size_t i = 8; i > 0; i--) {
            image->bytes[places[i - 1]] = olds[i - 1];
        }
    }
    elf_image_destroy(image);
}

/* One plugin per defect and the words that name it. */
static const struct {
    const char *name;
    const char *finding;
} defects[] = {
    {"static_tls", "STATIC_TLS"},
    {"unique", "unique symbol bare_unique"},
    {"textrel", "text relocations"},
    {"export", "exports bare_extra"},
    {"socket", "calls socket"},
    {"thread_key", "calls pthread_key_create: it would run at the end of a thread"},
    {"undefined", "uses bare_nowhere, which nothing has: compile it into the plugin"},
    {"borrowed", "uses CU_get_error, which only "},
    {"nodelete", "NODELETE"},
    {"execstack", "executable stack"},
    {"runpath", "RUNPATH"},
    {"rpath", "RPATH"},
    {"needed", "needs libpq."},
    {"no_entry", "does not export atlas_plugin_v1"},
};

static void test_lint_names_each_defect(void)
{
    for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
        struct elf_image *image = read_plugin(defects[i].name);
        struct report report;
        bool is_found = false;
        CU_ASSERT_PTR_NOT_NULL_FATAL(image);
        report_init(&report);
        elf_lint(image, defects[i].name, &report);
        for (size_t j = 0; report_line(&report, j) != NULL; j++) {
            is_found = is_found || strstr(report_line(&report, j), defects[i].finding) != NULL;
        }
        if (!is_found) {
            printf("%s: not found: %s\n", defects[i].name, defects[i].finding);
        }
        CU_ASSERT_TRUE(is_found);
        report_finish(&report);
        elf_image_destroy(image);
    }
}

static void test_lint_finds_nothing_in_good_plugins(void)
{
    static const char *const paths[] = {PLUGINS "good.so", ATLAS_BUILD_DIR "/plugins/echo.so"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct elf_image *image = NULL;
        struct report report;
        CU_ASSERT_EQUAL_FATAL(elf_image_read(paths[i], &image, &error), ATLAS_OK);
        report_init(&report);
        elf_lint(image, paths[i], &report);
        for (size_t j = 0; report_line(&report, j) != NULL; j++) {
            puts(report_line(&report, j));
        }
        CU_ASSERT_EQUAL(report.count, 0);
        report_finish(&report);
        elf_image_destroy(image);
    }
}

static void test_descriptors_are_read(void)
{
    struct elf_image *image = NULL;
    struct report report;

    CU_ASSERT_EQUAL_FATAL(elf_image_read(ATLAS_BUILD_DIR "/plugins/echo.so", &image, &error),
                          ATLAS_OK);
    report_init(&report);
    struct manifest *manifest = manifest_read(image, "echo.so", &report);
    elf_image_destroy(image);
    CU_ASSERT_PTR_NOT_NULL_FATAL(manifest);
    CU_ASSERT_STRING_EQUAL(manifest->id, "echo");
    CU_ASSERT_PTR_NOT_NULL(
        memmem(manifest->descriptors, manifest->descriptors_len, "echo.proto", 10));
    manifest_destroy(manifest);
    report_finish(&report);
}

UNIT_MAIN("elf_image", UNIT_TEST(test_good_plugin_has_its_manifest_note),
          UNIT_TEST(test_what_is_no_plugin_is_refused_with_its_path),
          UNIT_TEST(test_truncation_anywhere_is_no_crash),
          UNIT_TEST(test_file_that_is_cut_off_is_refused),
          UNIT_TEST(test_damage_of_headers_is_no_crash), UNIT_TEST(test_random_damage_is_no_crash),
          UNIT_TEST(test_lint_names_each_defect),
          UNIT_TEST(test_lint_finds_nothing_in_good_plugins), UNIT_TEST(test_descriptors_are_read))
