/* The Redis that the tracker sees in its tests, and what it is asked. */
#ifndef TESTS_TRACKER_SCRIPT_H
#define TESTS_TRACKER_SCRIPT_H

#include "atlas/events/v1/events.atlas.h"
#include "atlas/tracker/v1/tracker.atlas.h"
#include "plugin_test.h"

typedef Atlas__Tracker__V1__UpdateLocationRequest UpdateRequest;
typedef Atlas__Tracker__V1__UpdateLocationResponse UpdateResponse;
typedef Atlas__Tracker__V1__GetNearbyDriversRequest NearbyRequest;
typedef Atlas__Tracker__V1__GetNearbyDriversResponse NearbyResponse;
typedef Atlas__Tracker__V1__GetDriverLocationRequest LocationRequest;
typedef Atlas__Tracker__V1__GetDriverLocationResponse LocationResponse;
typedef Atlas__Events__V1__DriverLocationEvent Event;

/* Where the clock of the test host starts. */
#define NOW_S  INT64_C(1704067200)
#define NOW_US (NOW_S * 1000000)

extern char driver_id[]; /* of all requests and records */

/* A valid UpdateLocation, and its call. */
UpdateRequest update_request(double latitude, double longitude);
atlas_status_t update(struct testhost *host, const UpdateRequest *req);

/* A record of driver-gps. */
struct atlas_kafka_record event_record(struct testhost *host, double latitude, int64_t seconds);

/* A valid GetNearbyDrivers. */
NearbyRequest nearby_request(void);

/* GEOSEARCH finds the first count drivers of found_names, seen that many seconds ago. */
void script_search(struct testhost *host, const int *ages_s, size_t count);
extern const char *const found_names[4];
extern const int fresh[4];

/* Where the driver is; seen NULL: nowhere. */
void script_location(struct testhost *host, const char *seen);

#endif
