/* Staging and loading: copies of the checked bytes, one image per generation, the agreement on the
 * ABI. */
#include "runtime/loader/plugin_library.h"

#include "base/report.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/manifest.h"
#include "runtime/loader/staged_file.h"
#include "support/unit.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGINS ATLAS_BUILD_DIR "/tests/unit/plugins/"

static char run_dir[] = "/tmp/atlas-test-library-XXXXXX";
static struct report report;
static struct error error;

/* A plugin on its way: image, manifest, staged file, library. */
struct copy {
    struct elf_image *image;
    struct manifest *manifest;
    char *path;
    struct plugin_library *library;
};

static void release(struct copy *copy)
{
    plugin_library_close(copy->library);
    staged_file_remove(copy->path);
    manifest_destroy(copy->manifest);
    elf_image_destroy(copy->image);
    *copy = (struct copy){0};
}

static bool read_copy(const char *name, struct copy *copy)
{
    char path[PATH_MAX];

    *copy = (struct copy){0};
    report_finish(&report);
    report_init(&report);
    snprintf(path, sizeof path, PLUGINS "%s.so", name);
    if (elf_image_read(path, &copy->image, &error) != ATLAS_OK) {
        return false;
    }
    copy->manifest = manifest_read(copy->image, name, &report);
    return copy->manifest != NULL;
}

/* Reads, stages and opens; the status of opening. */
static atlas_status_t open_copy(const char *name, unsigned generation, struct copy *copy)
{
    error.text[0] = '\0';
    if (!read_copy(name, copy)) {
        return ATLAS_INTERNAL;
    }

    atlas_status_t status =
        staged_file_write(copy->image, run_dir, "bare", generation, &copy->path, &error);
    if (status == ATLAS_OK) {
        status = plugin_library_open(copy->path, name, copy->manifest, &copy->library, &error);
    }
    return status;
}

static void test_staged_file_has_the_bytes_and_its_own_name(void)
{
    struct copy copy;
    struct stat info;
    char *again = NULL;
    char folder[PATH_MAX];

    CU_ASSERT_TRUE_FATAL(read_copy("good", &copy));
    CU_ASSERT_EQUAL_FATAL(staged_file_write(copy.image, run_dir, "bare", 1, &copy.path, &error),
                          ATLAS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(copy.path, "/bare."));
    CU_ASSERT_PTR_NOT_NULL(strstr(copy.path, ".g1.so"));
    CU_ASSERT_EQUAL(stat(copy.path, &info), 0);
    CU_ASSERT_EQUAL(info.st_size, copy.image->size);
    snprintf(folder, sizeof folder, "%s/%d", run_dir, (int)getpid());
    CU_ASSERT_EQUAL(stat(folder, &info), 0);
    CU_ASSERT_EQUAL(info.st_mode & 0777, 0700);
    CU_ASSERT_EQUAL(staged_file_write(copy.image, run_dir, "bare", 1, &again, &error),
                    ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(again);

    char *path = strdup(copy.path);
    release(&copy);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    free(path);
}

static void test_folders_of_dead_processes_are_removed(void)
{
    char stale[PATH_MAX];
    char file[PATH_MAX + 8];
    char alive[PATH_MAX];
    char other[PATH_MAX];

    snprintf(stale, sizeof stale, "%s/2147483646", run_dir);
    snprintf(alive, sizeof alive, "%s/%d", run_dir, (int)getppid());
    snprintf(other, sizeof other, "%s/notes", run_dir);
    snprintf(file, sizeof file, "%s/x.so", stale);
    CU_ASSERT_TRUE_FATAL(mkdir(stale, 0700) == 0 && mkdir(alive, 0700) == 0 &&
                         mkdir(other, 0700) == 0);
    FILE *stream = fopen(file, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fclose(stream);

    CU_ASSERT_EQUAL(staged_folder_open(run_dir, &error), ATLAS_OK);
    CU_ASSERT_NOT_EQUAL(access(stale, F_OK), 0);
    CU_ASSERT_EQUAL(access(alive, F_OK), 0);
    CU_ASSERT_EQUAL(access(other, F_OK), 0);
    rmdir(alive);
    rmdir(other);
}

static void test_run_dir_that_cannot_be_written_is_refused(void)
{
    CU_ASSERT_EQUAL(staged_folder_open("/proc/atlas", &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "set run_dir"));
}

static void test_two_generations_are_two_images(void)
{
    struct copy one;
    struct copy two;

    CU_ASSERT_EQUAL_FATAL(open_copy("good", 1, &one), ATLAS_OK);
    CU_ASSERT_EQUAL_FATAL(open_copy("good", 2, &two), ATLAS_OK);
    const struct atlas_plugin *table = plugin_library_table(one.library);
    CU_ASSERT_EQUAL(table->service_count, 1);
    CU_ASSERT_STRING_EQUAL(table->services[0]->name, "atlas.test.v1.Bare");
    CU_ASSERT_PTR_NOT_EQUAL(table->services[0], plugin_library_table(two.library)->services[0]);
    release(&one);
    CU_ASSERT_STRING_EQUAL(plugin_library_table(two.library)->services[0]->name,
                           "atlas.test.v1.Bare");
    CU_ASSERT_TRUE(plugin_library_close(two.library));
    two.library = NULL;
    release(&two);
}

static void test_image_that_is_loaded_already_is_refused(void)
{
    struct copy one;
    struct plugin_library *again = NULL;

    CU_ASSERT_EQUAL_FATAL(open_copy("good", 1, &one), ATLAS_OK);
    CU_ASSERT_EQUAL(plugin_library_open(one.path, "good", one.manifest, &again, &error),
                    ATLAS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "already loaded"));
    CU_ASSERT_PTR_NULL(again);
    release(&one);
}

/* Many times the same code under new names: nothing is used up, each is unmapped (or kept by a
 * sanitizer). */
static void test_reloading_often_works(void)
{
    struct copy current;
    struct copy next;

    CU_ASSERT_EQUAL_FATAL(open_copy("good", 1, &current), ATLAS_OK);
    for (unsigned generation = 2; generation < 100; generation++) {
        CU_ASSERT_EQUAL_FATAL(open_copy("good", generation, &next), ATLAS_OK);
        CU_ASSERT_TRUE(plugin_library_close(current.library));
        current.library = NULL;
        release(&current);
        current = next;
    }
    release(&current);
}

static void test_table_that_does_not_fit_is_refused(void)
{
    static const struct {
        const char *name;
        const char *reason;
    } plugins[] = {
        {"no_table", "returned no table"},
        {"small_table", "a struct atlas_plugin of 16 bytes"},
        {"larger_table", "uses members of its struct atlas_plugin that this host"},
        {"other_service", "add the line \"service atlas.test.v1.Bare\""},
        {"more_services", "serves 1 services, but its manifest names 2"},
    };

    for (size_t i = 0; i < sizeof plugins / sizeof plugins[0]; i++) {
        struct copy copy;
        CU_ASSERT_EQUAL(open_copy(plugins[i].name, 1, &copy), ATLAS_FAILED_PRECONDITION);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, plugins[i].reason));
        CU_ASSERT_EQUAL(strncmp(error.text, plugins[i].name, strlen(plugins[i].name)), 0);
        release(&copy);
    }
}

static void test_other_abi_and_missing_interface_are_refused_unloaded(void)
{
    static const char *const known[] = {"atlas.call/1", "atlas.log/1"};
    struct copy copy;

    CU_ASSERT_TRUE_FATAL(read_copy("abi_2", &copy));
    CU_ASSERT_FALSE(plugin_library_accepts(copy.manifest, "abi_2.so", known, 2, &report));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(report_line(&report, 0), "was built for ABI 2.0, this host offers ABI 1."));
    release(&copy);

    CU_ASSERT_TRUE_FATAL(read_copy("requires", &copy));
    CU_ASSERT_FALSE(plugin_library_accepts(copy.manifest, "requires.so", known, 2, &report));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(report_line(&report, 0), "requires the interface atlas.future/1"));
    release(&copy);

    CU_ASSERT_TRUE_FATAL(read_copy("good", &copy));
    CU_ASSERT_TRUE(plugin_library_accepts(copy.manifest, "good.so", known, 2, &report));
    release(&copy);
}

static void test_plugin_without_manifest_is_refused(void)
{
    struct copy copy;

    CU_ASSERT_FALSE(read_copy("no_manifest", &copy));
    CU_ASSERT_PTR_NOT_NULL(strstr(report_line(&report, 0), "has no manifest"));
    release(&copy);
}

static void test_folder_is_closed(void)
{
    staged_folder_close(run_dir);
    CU_ASSERT_EQUAL(rmdir(run_dir), 0);
    report_finish(&report);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_folders_of_dead_processes_are_removed),
    UNIT_TEST(test_run_dir_that_cannot_be_written_is_refused),
    UNIT_TEST(test_staged_file_has_the_bytes_and_its_own_name),
    UNIT_TEST(test_two_generations_are_two_images),
    UNIT_TEST(test_image_that_is_loaded_already_is_refused),
    UNIT_TEST(test_reloading_often_works),
    UNIT_TEST(test_table_that_does_not_fit_is_refused),
    UNIT_TEST(test_other_abi_and_missing_interface_are_refused_unloaded),
    UNIT_TEST(test_plugin_without_manifest_is_refused),
    UNIT_TEST(test_folder_is_closed),
};

int main(void)
{
    if (mkdtemp(run_dir) == NULL) {
        return EXIT_FAILURE;
    }
    report_init(&report);
    return unit_run("plugin_library", tests, sizeof tests / sizeof tests[0]);
}
