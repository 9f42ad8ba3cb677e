/* A plugin that calls Echo, wherever that runs. */
#include "echo.atlas.h"
#include "front.atlas.h"

ATLAS_PLUGIN_MANIFEST(
    "front", "0.1.0",
    "requires atlas.client/1\n" ATLAS_TEST_V1_FRONT_SERVICE ATLAS_TEST_V1_ECHO_CALLS);

atlas_status_t front_ask(struct atlas_call *call, const Atlas__Test__V1__EchoRequest *req,
                         Atlas__Test__V1__EchoResponse *ret_res)
{
    Atlas__Test__V1__EchoResponse *res;

    atlas_status_t status = atlas_test_v1_echo_echo(call, req, &res);
    if (status == ATLAS_OK) {
        ret_res->text = res->text;
    }
    return status;
}

static const struct atlas_service *const services[] = {&front_service};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
};
ATLAS_PLUGIN_DEFINE(plugin);
