#include "services/postgres/pg_lead.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "runtime/wait.h"
#include "services/postgres/pg_fiber.h"
#include "services/postgres/pg_prepared.h"

#define TRY_PAUSE_MS 1000

struct pg_lead {
    struct pg_session *session;
};

static atlas_status_t try_lock(struct pg_session *session, const char *name, bool *ret_is_held,
                               struct error *error)
{
    static const uint8_t types_int8[] = {ATLAS_PG_INT8, 0};
    static const uint8_t types_bool[] = {ATLAS_PG_BOOL, 0};
    static const struct atlas_pg_statement declared = {.name = "lead",
                                                       .sql = "SELECT pg_try_advisory_lock($1)",
                                                       .params = types_int8,
                                                       .columns = types_bool};
    char text[192];
    struct atlas_pg_result result;
    struct atlas_pg_value key = {.is_null = false};
    snprintf(text, sizeof text, "atlas.lead:%s:%s", pg_session_settings(session)->schema, name);
    key.as.integer = (int64_t)pg_prepared_hash(text, NULL);
    atlas_status_t status = pg_session_run(session, &declared, &key, 1, &result, error);
    if (status == ATLAS_OK) {
        *ret_is_held = result.values[0].as.integer != 0;
    }
    return status;
}

/* Tries on one connection until the lock is there or the connection is lost. */
static atlas_status_t wait_for_lock(struct pg_session *session, struct call *call, const char *name,
                                    struct error *error)
{
    bool is_held = false;
    atlas_status_t status = try_lock(session, name, &is_held, error);
    while (status == ATLAS_OK && !is_held) {
        if (!pg_fiber_sleep(call, TRY_PAUSE_MS)) {
            return error_set(error, call_check(call), "waiting to lead %s was ended", name);
        }
        status = try_lock(session, name, &is_held, error);
    }
    return status;
}

atlas_status_t pg_lead_acquire(struct call *call, const struct pg_settings *settings,
                               const char *name, struct pg_lead **ret_lead)
{
    struct error error = {.status = ATLAS_OK};
    struct pg_session *session = NULL;
    atlas_status_t status;
    struct pg_lead *lead = calloc(1, sizeof *lead);
    if (lead == NULL) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (;;) {
        status = pg_session_open(call, settings, &session, &error);
        if (status == ATLAS_OK) {
            status = wait_for_lock(session, call, name, &error);
        }
        if (status == ATLAS_OK) {
            break;
        }
        pg_session_close(session);
        session = NULL;
        if (!atlas_status_is_transient(status) || !pg_fiber_sleep(call, TRY_PAUSE_MS)) {
            free(lead);
            return call_fail(call, status, "leading %s: %s", name, error.text);
        }
    }
    pg_session_set_call(session, NULL); /* the lease outlives the call */
    lead->session = session;
    *ret_lead = lead;
    return ATLAS_OK;
}

bool pg_lead_is_held(const struct pg_lead *lead)
{
    return pg_session_is_alive(lead->session);
}

void pg_lead_release(struct pg_lead *lead)
{
    if (lead != NULL) {
        pg_session_close(lead->session);
        free(lead);
    }
}
