/*
 * The relay of one plugin's outbox: a fiber on the home loop that publishes its rows page after
 * page. Across processes one relay leads, by an advisory lock on its connection; the others wait
 * behind it.
 */
#ifndef SERVICES_OUTBOX_RELAY_H
#define SERVICES_OUTBOX_RELAY_H

#include "services/outbox/outbox_publisher.h"

struct call;
struct outbox_relay;
struct outbox_wake;
struct pg_plugin;

/* Starts the relay on this loop. plugin, wake and publish outlive it. */
atlas_status_t outbox_relay_start(struct call *call, struct pg_plugin *plugin,
                                  struct outbox_wake *wake, outbox_publish_fn *publish,
                                  struct outbox_relay **ret_relay);

/* Stops and frees it; records under way may arrive and will then be sent once more. NULL is
 * allowed. [waits] */
void outbox_relay_stop(struct outbox_relay *relay, struct call *call);

#endif
