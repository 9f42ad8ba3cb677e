#include "services/outbox/outbox_window.h"

bool outbox_window_wants_xact(const struct outbox_window *window)
{
    return window->candidate != 0 && window->barrier == 0;
}

bool outbox_window_note(struct outbox_window *window, const struct outbox_reading *reading)
{
    bool has_risen = false;
    if (outbox_window_wants_xact(window)) {
        window->barrier = reading->taken_xact;
    }
    if (window->barrier != 0 && reading->is_drained && reading->oldest_running >= window->barrier) {
        window->floor = window->candidate + 1;
        window->candidate = 0;
        window->barrier = 0;
        has_risen = true;
    }
    if (window->candidate == 0 && reading->last_id >= window->floor) {
        window->candidate = reading->last_id;
    }
    return has_risen;
}
