#include "services/outbox/outbox.h"

#include <stdlib.h>

#include "base/log.h"
#include "runtime/call.h"
#include "services/outbox/outbox_relay.h"
#include "services/outbox/outbox_schema.h"
#include "services/outbox/outbox_wake.h"
#include "services/postgres/pg_plugin.h"

/* Of one generation. */
struct outbox {
    struct pg_plugin *plugin;
    outbox_publish_fn *publish;
    struct outbox_wake wake;
    struct outbox_relay *relay; /* from start to stop; NULL: none */
};

static struct outbox *create(const struct pg_outbox_interface *interface, struct pg_plugin *plugin,
                             struct loop *home)
{
    const struct outbox_driver *driver = CONTAINER_OF(interface, struct outbox_driver, interface);
    struct outbox *outbox = calloc(1, sizeof *outbox);
    if (outbox != NULL) {
        outbox->plugin = plugin;
        outbox->publish = driver->publish;
        outbox_wake_init(&outbox->wake, home);
    }
    return outbox;
}

static void start(struct outbox *outbox, struct call *call)
{
    if (outbox->publish == NULL) {
        return;
    }
    atlas_status_t status =
        outbox_relay_start(call, outbox->plugin, &outbox->wake, outbox->publish, &outbox->relay);
    if (status != ATLAS_OK) {
        log_error("the outbox relay does not run; reload the plugin",
                  LOG_TEXT("plugin", outbox->plugin->id), LOG_TEXT("reason", call->message));
    }
}

static void stop(struct outbox *outbox, struct call *call)
{
    struct outbox_relay *relay = outbox->relay;
    outbox->relay = NULL;
    outbox_relay_stop(relay, call);
}

static void ring(struct outbox *outbox)
{
    outbox_wake_ring(&outbox->wake);
}

static void destroy(struct outbox *outbox)
{
    free(outbox);
}

void outbox_driver_init(struct outbox_driver *driver, outbox_publish_fn *publish)
{
    *driver = (struct outbox_driver){
        .interface =
            {
                .migrations = outbox_migrations,
                .migration_count = outbox_migration_count,
                .create = create,
                .start = start,
                .stop = stop,
                .ring = ring,
                .destroy = destroy,
            },
        .publish = publish,
    };
}
