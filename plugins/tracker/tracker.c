/* Tracker: positions of drivers come in through Kafka and are searched in Redis. */
#include "tracker/tracker.h"

#include <stdlib.h>

#include "atlas/tracker/v1/tracker.atlas.h"

ATLAS_PLUGIN_MANIFEST("tracker", "0.1.0",
                      "requires atlas.redis/1\n"
                      "requires atlas.kafka/1\n" ATLAS_TRACKER_V1_TRACKER_SERVICE
                      "config gps_topic string default=driver-gps\n"
                      "config fresh_for duration default=60s min=1s max=1h\n"
                      "config clock_ahead duration default=60s min=0s max=1h\n"
                      "config default_radius_km number default=5 min=0.01 max=1000\n"
                      "config radius_limit_km number default=50 min=0.01 max=1000\n"
                      "config first_radius_km number default=0.5 min=0.01 max=1000\n"
                      "config default_limit integer default=10 min=1 max=1000\n"
                      "config limit_limit integer default=100 min=1 max=1000\n"
                      "config candidates_limit integer default=4000 min=1 max=100000\n"
                      "config expire_interval duration default=5s min=100ms max=1h\n"
                      "config expire_batch integer default=1000 min=1 max=5000\n");

static atlas_status_t check(const struct atlas_config *config, char *text, size_t text_size)
{
    if (config->number(config, "default_radius_km") > config->number(config, "radius_limit_km")) {
        snprintf(text, text_size, "default_radius_km must not be over radius_limit_km");
        return ATLAS_INVALID_ARGUMENT;
    }
    if (config->integer(config, "default_limit") > config->integer(config, "limit_limit")) {
        snprintf(text, text_size, "default_limit must not be over limit_limit");
        return ATLAS_INVALID_ARGUMENT;
    }
    if (config->integer(config, "limit_limit") > config->integer(config, "candidates_limit")) {
        snprintf(text, text_size, "limit_limit must not be over candidates_limit");
        return ATLAS_INVALID_ARGUMENT;
    }
    return ATLAS_OK;
}

static atlas_status_t create(struct atlas_call *call, const struct atlas_config *config,
                             void **ret_instance)
{
    struct tracker *tracker = calloc(1, sizeof *tracker);

    if (tracker == NULL) {
        return atlas_no_memory(call);
    }
    tracker->gps_topic = strdup(config->string(config, "gps_topic"));
    if (tracker->gps_topic == NULL) {
        free(tracker);
        return atlas_no_memory(call);
    }
    tracker->fresh_us = config->duration_ms(config, "fresh_for") * 1000;
    tracker->clock_ahead_us = config->duration_ms(config, "clock_ahead") * 1000;
    tracker->default_radius_km = config->number(config, "default_radius_km");
    tracker->radius_limit_km = config->number(config, "radius_limit_km");
    tracker->first_radius_km = config->number(config, "first_radius_km");
    tracker->default_limit = config->integer(config, "default_limit");
    tracker->limit_limit = config->integer(config, "limit_limit");
    tracker->candidates_limit = config->integer(config, "candidates_limit");
    tracker->expire_batch = config->integer(config, "expire_batch");
    *ret_instance = tracker;
    return ATLAS_OK;
}

static void destroy(struct atlas_call *call, void *instance)
{
    struct tracker *tracker = instance;

    (void)call;
    if (tracker != NULL) {
        free(tracker->gps_topic);
        free(tracker);
    }
}

static const struct atlas_service *const services[] = {&tracker_service};

static const struct atlas_consumer consumers[] = {
    {
        .size = sizeof(struct atlas_consumer),
        .batch_limit = 500,
        .name = "index_positions",
        .topic_key = "gps_topic",
        .group = "tracker",
        .handle = tracker_index_positions,
    },
};

static const struct atlas_background backgrounds[] = {
    {
        .size = sizeof(struct atlas_background),
        .name = "expire_drivers",
        .interval_key = "expire_interval",
        .run = tracker_expire_drivers,
    },
};

static const struct atlas_plugin plugin = {
    .size = sizeof plugin,
    .services = services,
    .service_count = ATLAS_COUNT(services),
    .consumers = consumers,
    .consumer_count = ATLAS_COUNT(consumers),
    .backgrounds = backgrounds,
    .background_count = ATLAS_COUNT(backgrounds),
    .check = check,
    .create = create,
    .destroy = destroy,
};
ATLAS_PLUGIN_DEFINE(plugin);
