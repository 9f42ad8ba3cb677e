/* The pid file: one process of a name at a time, and nothing that a crash leaves behind stands in
 * the way. */
#include "base/pid_file.h"

#include "support/unit.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/atlas-test-pid-XXXXXX";
static struct error error;

static bool is_there(const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void test_file_holds_the_process_id(void)
{
    struct pid_file *file = NULL;
    char path[PATH_MAX];
    int pid = 0;

    CU_ASSERT_EQUAL_FATAL(pid_file_create(folder, "one", &file, &error), ATLAS_OK);
    snprintf(path, sizeof path, "%s/one.pid", folder);
    FILE *stream = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    CU_ASSERT_EQUAL(fscanf(stream, "%d", &pid), 1);
    fclose(stream);
    CU_ASSERT_EQUAL(pid, getpid());
    pid_file_remove(file);
    CU_ASSERT_FALSE(is_there("one.pid"));
}

static void test_second_process_is_refused(void)
{
    struct pid_file *file = NULL;
    struct pid_file *second = NULL;
    struct pid_file *other = NULL;
    char pid[32];

    CU_ASSERT_EQUAL_FATAL(pid_file_create(folder, "one", &file, &error), ATLAS_OK);
    CU_ASSERT_EQUAL(pid_file_create(folder, "one", &second, &error), ATLAS_ALREADY_EXISTS);
    snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, pid));
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_EQUAL(pid_file_create(folder, "two", &other, &error), ATLAS_OK);
    pid_file_remove(other);
    pid_file_remove(file);
    CU_ASSERT_EQUAL(pid_file_create(folder, "one", &second, &error), ATLAS_OK);
    pid_file_remove(second);
    pid_file_remove(NULL);
}

static void test_file_of_a_killed_process_is_taken_over(void)
{
    struct pid_file *file = NULL;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/one.pid", folder);
    FILE *stream = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fputs("1234567\n", stream);
    fclose(stream);
    CU_ASSERT_EQUAL(pid_file_create(folder, "one", &file, &error), ATLAS_OK);
    pid_file_remove(file);
}

static void test_folder_that_cannot_be_written_is_refused(void)
{
    struct pid_file *file = NULL;

    CU_ASSERT_EQUAL(pid_file_create("/nonexistent", "one", &file, &error), ATLAS_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "set run_dir"));
    rmdir(folder);
}

static const struct unit_test tests[] = {
    UNIT_TEST(test_file_holds_the_process_id),
    UNIT_TEST(test_second_process_is_refused),
    UNIT_TEST(test_file_of_a_killed_process_is_taken_over),
    UNIT_TEST(test_folder_that_cannot_be_written_is_refused),
};

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        return EXIT_FAILURE;
    }
    return unit_run("pid_file", tests, sizeof tests / sizeof tests[0]);
}
