/* Forgets drivers that are no longer shown, so that searches do not wade through them. */
#include "tracker/store.h"
#include "tracker/tracker.h"

atlas_status_t tracker_expire_drivers(struct atlas_call *call)
{
    const struct tracker *tracker = tracker_of(call);
    int64_t before_us = atlas_now_us(call) - tracker->fresh_us;
    int64_t forgotten;
    atlas_status_t status;

    do {
        status = store_expire(call, before_us, tracker->expire_batch, &forgotten);
    } while (status == ATLAS_OK && forgotten == tracker->expire_batch);
    return status;
}
