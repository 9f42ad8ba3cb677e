/*
 * A CUnit suite in one line: a table of named tests, run in order, exit code 0 if all passed.
 *
 *     static void test_parse_accepts_seconds(void) { CU_ASSERT_EQUAL(...); }
 *
 *     UNIT_MAIN("units", UNIT_TEST(test_parse_accepts_seconds), UNIT_TEST(...))
 */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <CUnit/Basic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct unit_test {
    const char *name;
    void (*run)(void);
};

/* Runs the tests of one suite; returns an exit code. An unregistered or failed test counts as
 * failed. With ATLAS_TEST=text in the environment, only those whose name has it. */
static inline int unit_run(const char *suite_name, const struct unit_test *tests, size_t count)
{
    CU_pSuite suite = NULL;
    unsigned int failures = 1;

    if (CU_initialize_registry() != CUE_SUCCESS) {
        return EXIT_FAILURE;
    }
    suite = CU_add_suite(suite_name, NULL, NULL);
    const char *only = getenv("ATLAS_TEST");
    for (size_t i = 0; suite != NULL && i < count; i++) {
        if (only != NULL && strstr(tests[i].name, only) == NULL) {
            continue;
        }
        if (CU_add_test(suite, tests[i].name, tests[i].run) == NULL) {
            suite = NULL;
        }
    }
    if (suite != NULL) {
        CU_basic_set_mode(CU_BRM_VERBOSE);
        if (CU_basic_run_tests() == CUE_SUCCESS) {
            failures = CU_get_number_of_failures();
        }
    }
    CU_cleanup_registry();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_TEST(function)                                                                        \
    {                                                                                              \
#function, function                                                                        \
    }

#define UNIT_MAIN(suite_name, ...)                                                                 \
    int main(void)                                                                                 \
    {                                                                                              \
        static const struct unit_test unit_tests[] = {__VA_ARGS__};                                \
        return unit_run(suite_name, unit_tests, sizeof unit_tests / sizeof unit_tests[0]);         \
    }

#endif
