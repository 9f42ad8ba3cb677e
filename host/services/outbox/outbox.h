/*
 * Outboxes of plugins: their rows go to Kafka in order and are deleted. It stands on top of the
 * module "atlas.postgres/1", which is handed the interface of a driver.
 */
#ifndef SERVICES_OUTBOX_H
#define SERVICES_OUTBOX_H

#include "services/outbox/outbox_publisher.h"
#include "services/postgres/pg_outbox.h"

/* Memory of the owner; borrowed by the module that gets its interface. */
struct outbox_driver {
    struct pg_outbox_interface interface;
    outbox_publish_fn *publish; /* NULL: rows are kept and wait */
};

/* Sets the driver up; nothing is to be ended. */
void outbox_driver_init(struct outbox_driver *driver, outbox_publish_fn *publish);

#endif
