/*
 * The listeners that are open, and how they follow a configuration: as one transaction with the
 * deployment. A listener is known by its protocol and address; one that goes on may be given other
 * services. Control thread only.
 */
#ifndef HOST_LISTENER_SET_H
#define HOST_LISTENER_SET_H

#include "base/error.h"
#include "base/report.h"

struct config;
struct grpc_server;
struct listener_set;
struct process_services;
struct rest_server;

/* An empty set; the servers are borrowed. RESOURCE_EXHAUSTED. */
atlas_status_t listener_set_create(struct grpc_server *grpc, struct rest_server *rest,
                                   struct listener_set **ret_set, struct error *error);

/* Forgets them; the servers close them. NULL is allowed. */
void listener_set_destroy(struct listener_set *set);

/* Opens what the configuration names and the process serves and is not open: connections queue
 * there until commit. What cannot be opened goes to the report. Returns true if commit will change
 * anything. The configuration is borrowed until commit or abandon, one of which follows. */
bool listener_set_prepare(struct listener_set *set, const struct config *config,
                          const struct process_services *services, struct report *report);

/* Closes what is not named any more without losing a connection, and gives the others their new
 * services. Servers accept what is new once they are told to. */
void listener_set_commit(struct listener_set *set);

/* Closes what prepare opened. */
void listener_set_abandon(struct listener_set *set);

#endif
