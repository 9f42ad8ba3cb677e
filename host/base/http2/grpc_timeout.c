#include "base/http2/grpc_timeout.h"

#include <stdio.h>

#define MAX_DIGITS 8
#define MAX_VALUE  INT64_C(99999999)

static const struct {
    char letter;
    int64_t ns;
} units[] = {
    {'n', 1},
    {'u', 1000},
    {'m', 1000000},
    {'S', INT64_C(1000000000)},
    {'M', INT64_C(60000000000)},
    {'H', INT64_C(3600000000000)},
};
#define UNIT_COUNT (sizeof units / sizeof units[0])

static int64_t unit_ns(char letter)
{
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (units[i].letter == letter) {
            return units[i].ns;
        }
    }
    return 0;
}

bool grpc_timeout_parse(const char *text, size_t len, int64_t *ret_ns)
{
    if (len < 2 || len > MAX_DIGITS + 1) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < len - 1; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (text[i] - '0');
    }
    int64_t ns = unit_ns(text[len - 1]);
    if (ns == 0) {
        return false;
    }
    *ret_ns = value > INT64_MAX / ns ? INT64_MAX : value * ns;
    return true;
}

static int64_t divide_up(int64_t value, int64_t by)
{
    return value / by + (value % by != 0 ? 1 : 0);
}

size_t grpc_timeout_format(int64_t timeout_ns, char text[GRPC_TIMEOUT_SIZE])
{
    int64_t rest_ns = timeout_ns > 0 ? timeout_ns : 0;
    size_t i = 0;
    while (i < UNIT_COUNT - 1 && divide_up(rest_ns, units[i].ns) > MAX_VALUE) {
        i++;
    }
    int64_t value = divide_up(rest_ns, units[i].ns);
    return (size_t)snprintf(text, GRPC_TIMEOUT_SIZE, "%lld%c", (long long)value, units[i].letter);
}
