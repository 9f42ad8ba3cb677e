#include "listener_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/config.h"
#include "base/log.h"
#include "inbound/grpc/grpc_server.h"
#include "inbound/rest/rest_server.h"
#include "inbound/service_names.h"
#include "process_services.h"

struct open_listener {
    struct open_listener *next;
    int protocol;
    char *address;
    struct service_names *services;
    bool trusts_identity;
    struct grpc_listener *grpc; /* one of the two */
    struct rest_listener *rest;
    bool is_new;                          /* of the transaction that is under way */
    const struct config_listener *wanted; /* the same; NULL: nobody names it any more */
};

struct listener_set {
    struct grpc_server *grpc;
    struct rest_server *rest;
    struct open_listener *listeners;
};

atlas_status_t listener_set_create(struct grpc_server *grpc, struct rest_server *rest,
                                   struct listener_set **ret_set, struct error *error)
{
    struct listener_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "listeners: out of memory");
    }
    set->grpc = grpc;
    set->rest = rest;
    *ret_set = set;
    return ATLAS_OK;
}

static void forget(struct open_listener *listener)
{
    service_names_free(listener->services);
    free(listener->address);
    free(listener);
}

void listener_set_destroy(struct listener_set *set)
{
    while (set != NULL && set->listeners != NULL) {
        struct open_listener *listener = set->listeners;
        set->listeners = listener->next;
        forget(listener);
    }
    free(set);
}

static struct open_listener *find(const struct listener_set *set,
                                  const struct config_listener *config)
{
    struct open_listener *listener = set->listeners;
    while (listener != NULL && (listener->protocol != config->protocol ||
                                strcmp(listener->address, config->address.text) != 0)) {
        listener = listener->next;
    }
    return listener;
}

static struct grpc_listener_options grpc_options(const struct config_listener *config, int backlog)
{
    return (struct grpc_listener_options){
        .host = config->address.host,
        .port = config->address.port,
        .backlog = backlog,
        .services = config->services.items,
        .service_count = config->services.count,
        .trusts_identity = config->trusts_identity,
    };
}

static atlas_status_t open_grpc(const struct listener_set *set, int backlog,
                                const struct config_listener *config,
                                struct grpc_listener **ret_listener, struct error *error)
{
    struct grpc_listener_options options = grpc_options(config, backlog);
    return grpc_server_listen(set->grpc, &options, ret_listener, NULL, error);
}

static atlas_status_t open_rest(const struct listener_set *set, int backlog,
                                const struct config_listener *config,
                                struct rest_listener **ret_listener, struct error *error)
{
    struct rest_listener_options options = {
        .host = config->address.host,
        .port = config->address.port,
        .backlog = backlog,
        .services = config->services.items,
        .service_count = config->services.count,
    };
    return rest_server_listen(set->rest, &options, ret_listener, NULL, error);
}

static struct open_listener *allocate(const struct config_listener *config)
{
    struct open_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return NULL;
    }
    listener->protocol = config->protocol;
    listener->trusts_identity = config->trusts_identity;
    listener->is_new = true;
    listener->wanted = config;
    listener->address = strdup(config->address.text);
    listener->services = service_names_create(config->services.items, config->services.count, 1);
    if (listener->address == NULL || listener->services == NULL) {
        forget(listener);
        return NULL;
    }
    return listener;
}

/* One of ours that listens at the port and may be why the system refuses: until the reload is
 * accepted nothing of it is closed. */
static const struct open_listener *find_port(const struct listener_set *set, uint16_t port)
{
    char text[8];
    int len = snprintf(text, sizeof text, ":%u", port);
    const struct open_listener *listener = set->listeners;
    for (; listener != NULL; listener = listener->next) {
        size_t address_len = strlen(listener->address);
        if (address_len > (size_t)len &&
            strcmp(listener->address + address_len - (size_t)len, text) == 0) {
            break;
        }
    }
    return listener;
}

static void report_refusal(const struct listener_set *set, const struct config_listener *wanted,
                           const struct error *error, struct report *report)
{
    const struct open_listener *holder = find_port(set, wanted->address.port);
    if (holder == NULL) {
        report_add(report, "listener %s: %s", wanted->name, error->text);
        return;
    }
    report_add(report,
               "listener %s: cannot open %s while this process listens at %s: give the listener "
               "another port, take it out by a reload of its own first, or restart",
               wanted->name, wanted->address.text, holder->address);
}

static void open_one(struct listener_set *set, const struct config *config,
                     const struct config_listener *wanted, struct report *report)
{
    struct open_listener *listener = allocate(wanted);
    struct error error;
    if (listener == NULL) {
        report_add(report, "listener %s: out of memory", wanted->name);
        return;
    }
    atlas_status_t status =
        wanted->protocol == CONFIG_PROTOCOL_GRPC
            ? open_grpc(set, (int)config->grpc.backlog, wanted, &listener->grpc, &error)
            : open_rest(set, (int)config->rest.backlog, wanted, &listener->rest, &error);
    if (status != ATLAS_OK) {
        report_refusal(set, wanted, &error, report);
        forget(listener);
        return;
    }
    listener->next = set->listeners;
    set->listeners = listener;
    log_info("listening", LOG_TEXT("listener", wanted->name),
             LOG_TEXT("address", wanted->address.text));
}

static bool is_changed(const struct open_listener *listener)
{
    const struct config_texts *wanted = &listener->wanted->services;
    bool is_same = wanted->count == listener->services->count &&
                   listener->wanted->trusts_identity == listener->trusts_identity;
    for (size_t i = 0; is_same && i < wanted->count; i++) {
        is_same = service_names_have(listener->services, wanted->items[i]);
    }
    return !is_same;
}

static bool has_changes(const struct listener_set *set)
{
    for (const struct open_listener *listener = set->listeners; listener != NULL;
         listener = listener->next) {
        if (listener->is_new || listener->wanted == NULL || is_changed(listener)) {
            return true;
        }
    }
    return false;
}

bool listener_set_prepare(struct listener_set *set, const struct config *config,
                          const struct process_services *services, struct report *report)
{
    for (struct open_listener *listener = set->listeners; listener != NULL;
         listener = listener->next) {
        listener->wanted = NULL;
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *wanted = &config->listeners[i];
        if (!process_services_have_any(services, &wanted->services)) {
            continue;
        }
        struct open_listener *listener = find(set, wanted);
        if (listener != NULL) {
            listener->wanted = wanted;
        } else {
            open_one(set, config, wanted, report);
        }
    }
    return has_changes(set);
}

static void close_one(const struct listener_set *set, struct open_listener *listener)
{
    log_info("no longer listening", LOG_TEXT("address", listener->address));
    if (listener->grpc != NULL) {
        grpc_server_unlisten(set->grpc, listener->grpc);
    } else {
        rest_server_unlisten(set->rest, listener->rest);
    }
    forget(listener);
}

static void close_if(struct listener_set *set, bool (*is_to_close)(const struct open_listener *))
{
    struct open_listener **link = &set->listeners;
    while (*link != NULL) {
        struct open_listener *listener = *link;
        if (is_to_close(listener)) {
            *link = listener->next;
            close_one(set, listener);
        } else {
            link = &listener->next;
        }
    }
}

static bool is_unwanted(const struct open_listener *listener)
{
    return listener->wanted == NULL;
}

static bool is_new(const struct open_listener *listener)
{
    return listener->is_new;
}

static bool change_server(const struct listener_set *set, const struct open_listener *listener)
{
    const struct config_texts *wanted = &listener->wanted->services;
    if (listener->rest != NULL) {
        return rest_server_set_services(listener->rest, wanted->items, wanted->count);
    }
    struct grpc_listener_options options = grpc_options(listener->wanted, 0);
    return grpc_server_change(set->grpc, listener->grpc, &options);
}

static void change(const struct listener_set *set, struct open_listener *listener)
{
    const struct config_listener *wanted = listener->wanted;
    struct service_names *names =
        service_names_create(wanted->services.items, wanted->services.count, 1);
    if (names == NULL || !change_server(set, listener)) {
        log_error("listener serves what it did: out of memory", LOG_TEXT("listener", wanted->name));
        service_names_free(names);
        return;
    }
    service_names_free(listener->services);
    listener->services = names;
    listener->trusts_identity = wanted->trusts_identity;
    log_info("listener changed", LOG_TEXT("listener", wanted->name),
             LOG_TEXT("address", listener->address), LOG_INT("services", names->count));
}

void listener_set_commit(struct listener_set *set)
{
    close_if(set, is_unwanted);
    for (struct open_listener *listener = set->listeners; listener != NULL;
         listener = listener->next) {
        if (is_changed(listener)) {
            change(set, listener);
        }
        listener->is_new = false;
    }
}

void listener_set_abandon(struct listener_set *set)
{
    close_if(set, is_new);
}
