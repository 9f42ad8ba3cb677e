/* A whole plugin: one service, two methods, two configuration keys. */
#include "greeter.atlas.h"

#include <stdlib.h>

ATLAS_PLUGIN_MANIFEST("greeter", "1.0.0",
                      GREETER_V1_GREETER_SERVICE "config greeting string default=hello\n"
                                                 "config pause duration default=100ms max=10s\n");

/* Made once, the same for all calls, never changed. */
struct greeter {
    char greeting[64];
    int64_t pause_ms;
};

static atlas_status_t greet(struct atlas_call *call, const char *name,
                            Greeter__V1__GreetResponse *ret_res)
{
    const struct greeter *greeter = call->instance;

    if (name[0] == '\0') {
        return atlas_fail(call, ATLAS_INVALID_ARGUMENT, "name: must not be empty");
    }
    ret_res->text = atlas_printf(call, "%s, %s", greeter->greeting, name);
    return ret_res->text != NULL ? ATLAS_OK : atlas_no_memory(call);
}

atlas_status_t greeter_greet(struct atlas_call *call, const Greeter__V1__GreetRequest *req,
                             Greeter__V1__GreetResponse *ret_res)
{
    return greet(call, req->name, ret_res);
}

/* While it sleeps, or the caller reads slowly, other calls run on the same loop. */
atlas_status_t greeter_greet_each(struct atlas_call *call, const Greeter__V1__GreetEachRequest *req)
{
    const struct greeter *greeter = call->instance;
    atlas_status_t status = ATLAS_OK;

    for (size_t i = 0; i < req->n_names && status == ATLAS_OK; i++) {
        Greeter__V1__GreetResponse res = GREETER__V1__GREET_RESPONSE__INIT;

        status = i > 0 ? atlas_sleep_ms(call, greeter->pause_ms) : ATLAS_OK;
        if (status == ATLAS_OK) {
            status = greet(call, req->names[i], &res);
        }
        if (status == ATLAS_OK) {
            status = greeter_greet_each_send(call, &res);
        }
    }
    return status;
}

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct greeter *greeter = calloc(1, sizeof *greeter);

    if (greeter == NULL) {
        return atlas_no_memory(call);
    }
    snprintf(greeter->greeting, sizeof greeter->greeting, "%s", config->string(config, "greeting"));
    greeter->pause_ms = config->duration_ms(config, "pause");
    *ret_instance = greeter;
    return ATLAS_OK;
}

static void destroy(struct atlas_call *call, void *instance)
{
    (void)call;
    free(instance);
}

static const struct atlas_service *const services[] = {&greeter_service};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
