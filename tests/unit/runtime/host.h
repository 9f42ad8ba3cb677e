/* A runtime with the echo plugin, for tests of the runtime: two loops, no listener, no server. */
#ifndef TESTS_UNIT_RUNTIME_HOST_H
#define TESTS_UNIT_RUNTIME_HOST_H

#include "base/report.h"
#include "runtime/call.h"
#include "runtime/runtime.h"

struct test_host {
    struct config *config;
    struct control *control;
    struct runtime *runtime;
    struct deployment *deployment;
    char folder[64];
    char plugin_path[128];
    bool has_second; /* from the next reload on: a second plugin beside echo */
};

/* Starts it with a private copy of the echo plugin; ends the process with a message if it cannot.
 */
void test_host_start(struct test_host *host);
void test_host_stop(struct test_host *host);

/* Writes the echo plugin anew, with a trailing byte more: another file, the same plugin. */
void test_host_touch_plugin(struct test_host *host);

/* Overwrites the plugin's file with bytes that are none. */
void test_host_break_plugin(struct test_host *host);

/* Reloads; the report belongs to the caller. */
bool test_host_reload(struct test_host *host, struct report *report);

/* Runs fn as a call of the echo plugin on the first loop, 10 s at most; it must end with expected.
 */
void test_host_run(struct test_host *host, atlas_status_t (*fn)(struct call *call, void *arg),
                   void *arg, atlas_status_t expected);

/* A call from outside, as a transport makes it: started at once, awaited by test_call_wait. */
struct test_call {
    struct worker *worker;
    const char *path;
    struct atlas_bytes request;
    int64_t timeout_ms; /* 0: none */
    atlas_status_t status;
    unsigned generation;
    char message[CALL_MESSAGE_SIZE];
    char reply[256];
    size_t reply_len;
    struct call *call; /* while it runs */
    _Atomic bool has_ended;
};

void test_call_start(struct test_call *test);
void test_call_wait(struct test_call *test);
void test_call_cancel(struct test_call *test);

#endif
