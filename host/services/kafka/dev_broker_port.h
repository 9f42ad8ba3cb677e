/*
 * Gives librdkafka's mock broker a port of our choice.
 *
 * The mock binds its listener to port 0 of 127.0.0.1 and tells clients, in its metadata, the port
 * that the kernel picked; there is no setting for it. A forwarder on a fixed port would not do,
 * because clients go on to the port of the metadata. So the program defines bind(2) itself: the
 * dynamic linker binds librdkafka's call to it, and while a port is asked for on this thread, port
 * 0 on the loopback address becomes that port. Every other bind of the program passes through
 * unchanged.
 */
#ifndef SERVICES_KAFKA_DEV_BROKER_PORT_H
#define SERVICES_KAFKA_DEV_BROKER_PORT_H

#include <stdint.h>

/* The port for the next binds of this thread to 127.0.0.1:0; 0 ends that. */
void dev_broker_port_set(uint16_t port);

#endif
