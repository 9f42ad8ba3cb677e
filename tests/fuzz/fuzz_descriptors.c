/* The descriptors of a plugin, which its file brings, and the routes that they ask for. */
#include "fuzz.h"

#include "base/descriptors.h"
#include "inbound/rest/rest_routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct descriptor_set *set = NULL;
    struct rest_routes *routes = NULL;
    struct error error = {0};

    if (descriptors_create((struct atlas_bytes){data, size}, &set, &error) != ATLAS_OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    MUST(rest_routes_create(&routes, &error) == ATLAS_OK);
    for (size_t i = 0; i < descriptors_service_count(set); i++) {
        rest_routes_add(routes, descriptors_service_at(set, i), &error);
    }
    rest_routes_destroy(routes);
    descriptors_destroy(set);
    return 0;
}
