#include "order/order_event.h"

#include "atlas/events/v1/events.atlas.h"
#include "common/fields.h"

atlas_status_t order_event_pack(struct atlas_call *call, const struct order_row *row,
                                struct atlas_bytes *ret_payload)
{
    Atlas__Events__V1__OrderEvent event = ATLAS__EVENTS__V1__ORDER_EVENT__INIT;

    event.order_id = row->order_id;
    event.passenger_id = row->passenger_id;
    event.driver_id = row->driver_id;
    event.status = (Atlas__Order__V1__OrderStatus)row->status;
    event.price_minor = row->price_minor;
    event.currency = row->currency;
    event.version = row->version;
    event.occurred_at = fields_time_new(call, row->updated_us);
    if (event.occurred_at == NULL) {
        return atlas_no_memory(call);
    }
    return atlas__events__v1__order_event__encode(call, &event, ret_payload);
}
