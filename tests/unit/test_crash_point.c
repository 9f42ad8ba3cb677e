/* Crash points: only the named one ends the process, at the passage that was asked for. */
#include "base/crash_point.h"

#include "support/unit.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Passes two points three times in a child; the number of passages it survived, or -1. */
static int passages(const char *variable)
{
    int status = 0;
    int pipes[2];
    int count = 0;
    char byte;
    if (pipe(pipes) != 0) {
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        if (variable != NULL) {
            setenv("ATLAS_CRASH_POINT", variable, 1);
        }
        for (int i = 0; i < 3; i++) {
            crash_point("other.point");
            crash_point("the.point");
            if (write(pipes[1], "x", 1) != 1) {
                _exit(1);
            }
        }
        _exit(0);
    }
    close(pipes[1]);
    while (read(pipes[0], &byte, 1) == 1) {
        count++;
    }
    close(pipes[0]);
    waitpid(child, &status, 0);
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return is_killed == (count < 3) ? count : -1;
}

static void test_without_the_variable_nothing_happens(void)
{
    CU_ASSERT_EQUAL(passages(NULL), 3);
    CU_ASSERT_EQUAL(passages("the.poin"), 3);
    CU_ASSERT_EQUAL(passages("the.point.too"), 3);
}

static void test_the_named_point_ends_the_process(void)
{
    CU_ASSERT_EQUAL(passages("the.point"), 0);
    CU_ASSERT_EQUAL(passages("the.point:1"), 0);
    CU_ASSERT_EQUAL(passages("the.point:3"), 2);
    CU_ASSERT_EQUAL(passages("the.point:4"), 3);
}

UNIT_MAIN("crash_point", UNIT_TEST(test_without_the_variable_nothing_happens),
          UNIT_TEST(test_the_named_point_ends_the_process))
