/* Also the keepalive of what connects to the targets. */
#include "services/grpc/grpc_target.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config/config_bind.h"
#include "base/readiness.h"
#include "services/grpc/grpc_channel.h"

static struct grpc_target *find_target(const struct grpc_client_loop *loop,
                                       const struct config_address *address)
{
    struct grpc_target *target = loop->targets;
    while (target != NULL &&
           (target->port != address->port || strcmp(target->host, address->host) != 0)) {
        target = target->next;
    }
    return target;
}

static void grpc_client_on_tick(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct grpc_client_loop *loop = arg;
    int64_t now_ns = clock_monotonic_ns();
    for (struct grpc_client_connection *connection = loop->connections; connection != NULL;
         connection = connection->next) {
        http2_connection_tick(&connection->http2, now_ns);
    }
}

/* Keepalive begins with the first connection. */
static void start_ticks(struct grpc_client_loop *loop)
{
    if (!loop->is_ticking) {
        event_assign(&loop->tick_event, loop_base(loop->worker->loop), -1, EV_PERSIST,
                     grpc_client_on_tick, loop);
        event_add(&loop->tick_event, &(struct timeval){1, 0});
        loop->is_ticking = true;
    }
}

static struct grpc_target *create_target(struct grpc_client_loop *loop,
                                         const struct config_address *address)
{
    unsigned count = loop->client->options.limits.client_connections;
    struct grpc_target *target = calloc(1, sizeof *target + count * sizeof(struct grpc_channel));
    if (target == NULL || strlen(address->host) >= sizeof target->host) {
        free(target);
        return NULL;
    }
    target->loop = loop;
    target->port = address->port;
    target->is_current = true;
    target->channel_count = count;
    snprintf(target->host, sizeof target->host, "%s", address->host);
    snprintf(target->name, sizeof target->name,
             strchr(address->host, ':') ? "[%.255s]:%u" : "%s:%u", target->host, address->port);
    target->next = loop->targets;
    loop->targets = target;
    start_ticks(loop);
    for (unsigned i = 0; i < count; i++) {
        grpc_channel_init(&target->channels[i], target);
    }
    return target;
}

static struct grpc_target *known_target(const struct grpc_client_loop *loop, const char *service,
                                        size_t len)
{
    for (const struct grpc_service_entry *entry = loop->services; entry != NULL;
         entry = entry->next) {
        if (entry->len == len && memcmp(entry->service, service, len) == 0) {
            return entry->target;
        }
    }
    return NULL;
}

static void use_again(struct grpc_target *target)
{
    if (!target->is_current) {
        target->is_current = true;
        for (unsigned i = 0; i < target->channel_count; i++) {
            grpc_channel_wake(&target->channels[i]);
        }
    }
}

struct grpc_target *grpc_target_of(struct grpc_client_loop *loop, const char *service, size_t len)
{
    const struct grpc_client_options *options = &loop->client->options;
    struct grpc_target *target = known_target(loop, service, len);
    if (target != NULL) {
        return target;
    }
    struct grpc_service_entry *entry = malloc(sizeof *entry + len + 1);
    if (entry == NULL) {
        return NULL;
    }
    memcpy(entry->service, service, len);
    entry->service[len] = '\0';
    entry->len = len;
    const struct config_address *address = options->find_address(options->context, entry->service);
    if (address != NULL && (target = find_target(loop, address)) == NULL) {
        target = create_target(loop, address);
    }
    if (target == NULL) {
        free(entry);
        return NULL;
    }
    use_again(target);
    entry->target = target;
    entry->next = loop->services;
    loop->services = entry;
    return target;
}

void grpc_target_forget_services(struct grpc_client_loop *loop)
{
    for (struct grpc_target *target = loop->targets; target != NULL; target = target->next) {
        target->is_current = false;
        readiness_remove(target->readiness);
        target->readiness = NULL;
    }
    while (loop->services != NULL) {
        struct grpc_service_entry *entry = loop->services;
        loop->services = entry->next;
        free(entry);
    }
}
