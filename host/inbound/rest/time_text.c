/* Calendar arithmetic after Howard Hinnant's "days from civil": years begin in March. */
#include "inbound/rest/time_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define SECONDS_PER_DAY  INT64_C(86400)
#define TIMESTAMP_MIN    INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define TIMESTAMP_MAX    INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DURATION_MAX     INT64_C(315576000000)
#define NANOS_PER_SECOND 1000000000

struct scanner {
    const char *at;
    const char *end;
};

static struct scanner scan(struct atlas_bytes text)
{
    const char *start = text.data;

    return (struct scanner){start, start + text.len};
}

static bool take(struct scanner *scanner, char character)
{
    if (scanner->at == scanner->end || *scanner->at != character) {
        return false;
    }
    scanner->at++;
    return true;
}

/* Exactly count digits, within bounds. */
static bool take_number(struct scanner *scanner, int count, int min, int max, int *ret_number)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        if (scanner->at == scanner->end || *scanner->at < '0' || *scanner->at > '9') {
            return false;
        }
        number = number * 10 + (*scanner->at++ - '0');
    }
    *ret_number = number;
    return number >= min && number <= max;
}

/* ".5" and the like, one to nine digits, or nothing. */
static bool take_fraction(struct scanner *scanner, int32_t *ret_nanos)
{
    int32_t unit = NANOS_PER_SECOND;

    *ret_nanos = 0;
    if (!take(scanner, '.')) {
        return true;
    }
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9') {
        unit /= 10;
        if (unit == 0) {
            return false;
        }
        *ret_nanos += unit * (*scanner->at++ - '0');
    }
    return unit < NANOS_PER_SECOND;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t shifted = days + 719468; /* not negative for the years that are allowed */
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

static bool take_date(struct scanner *scanner, int64_t *ret_days)
{
    int year = 0;
    int month = 0;
    int day = 0;

    if (!take_number(scanner, 4, 1, 9999, &year) || !take(scanner, '-') ||
        !take_number(scanner, 2, 1, 12, &month) || !take(scanner, '-') ||
        !take_number(scanner, 2, 1, days_in_month(year, month), &day)) {
        return false;
    }
    *ret_days = days_from_civil(year, month, day);
    return true;
}

/* "Z" or "+07:00". */
static bool take_offset(struct scanner *scanner, int64_t *ret_seconds)
{
    bool is_negative = false;
    int hours = 0;
    int minutes = 0;

    *ret_seconds = 0;
    if (take(scanner, 'Z') || take(scanner, 'z')) {
        return true;
    }
    is_negative = take(scanner, '-');
    if ((!is_negative && !take(scanner, '+')) || !take_number(scanner, 2, 0, 23, &hours) ||
        !take(scanner, ':') || !take_number(scanner, 2, 0, 59, &minutes)) {
        return false;
    }
    *ret_seconds = (hours * 3600 + minutes * 60) * (is_negative ? -1 : 1);
    return true;
}

bool timestamp_from_text(struct atlas_bytes text, struct time_value *ret_time)
{
    struct scanner scanner = scan(text);
    struct time_value time = {0};
    int64_t days = 0;
    int64_t offset = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;

    if (!take_date(&scanner, &days) || !(take(&scanner, 'T') || take(&scanner, 't')) ||
        !take_number(&scanner, 2, 0, 23, &hour) || !take(&scanner, ':') ||
        !take_number(&scanner, 2, 0, 59, &minute) || !take(&scanner, ':') ||
        !take_number(&scanner, 2, 0, 59, &second) || !take_fraction(&scanner, &time.nanos) ||
        !take_offset(&scanner, &offset) || scanner.at != scanner.end) {
        return false;
    }
    time.seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    *ret_time = time;
    return time.seconds >= TIMESTAMP_MIN && time.seconds <= TIMESTAMP_MAX;
}

bool duration_from_text(struct atlas_bytes text, struct time_value *ret_time)
{
    struct scanner scanner = scan(text);
    bool is_negative = take(&scanner, '-');
    const char *digits = scanner.at;
    struct time_value time = {0};

    while (scanner.at < scanner.end && *scanner.at >= '0' && *scanner.at <= '9') {
        time.seconds = time.seconds * 10 + (*scanner.at++ - '0');
        if (time.seconds > DURATION_MAX) {
            return false;
        }
    }
    if (scanner.at == digits || !take_fraction(&scanner, &time.nanos) || !take(&scanner, 's') ||
        scanner.at != scanner.end) {
        return false;
    }
    if (is_negative) {
        time.seconds = -time.seconds;
        time.nanos = -time.nanos;
    }
    *ret_time = time;
    return true;
}

static void put_fraction(struct buffer *out, int32_t nanos)
{
    if (nanos == 0) {
        return;
    }
    if (nanos % 1000000 == 0) {
        buffer_printf(out, ".%03d", nanos / 1000000);
    } else if (nanos % 1000 == 0) {
        buffer_printf(out, ".%06d", nanos / 1000);
    } else {
        buffer_printf(out, ".%09d", nanos);
    }
}

bool timestamp_put_json(struct buffer *out, struct time_value time)
{
    int64_t days = 0;
    int64_t second = 0;
    int year = 0;
    int month = 0;
    int day = 0;

    if (time.seconds < TIMESTAMP_MIN || time.seconds > TIMESTAMP_MAX || time.nanos < 0 ||
        time.nanos >= NANOS_PER_SECOND) {
        return false;
    }
    second = (time.seconds - TIMESTAMP_MIN) % SECONDS_PER_DAY; /* of the day; MIN begins a day */
    days = (time.seconds - second) / SECONDS_PER_DAY;
    civil_from_days(days, &year, &month, &day);
    buffer_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(second / 3600),
                  (int)(second / 60 % 60), (int)(second % 60));
    put_fraction(out, time.nanos);
    buffer_put_string(out, "Z\"");
    return true;
}

bool duration_put_json(struct buffer *out, struct time_value time)
{
    bool is_negative = time.seconds < 0 || time.nanos < 0;

    if (time.seconds < -DURATION_MAX || time.seconds > DURATION_MAX ||
        time.nanos <= -NANOS_PER_SECOND || time.nanos >= NANOS_PER_SECOND ||
        (time.seconds > 0 && time.nanos < 0) || (time.seconds < 0 && time.nanos > 0)) {
        return false;
    }
    buffer_printf(out, "\"%s%lld", is_negative ? "-" : "", (long long)llabs(time.seconds));
    put_fraction(out, abs(time.nanos));
    buffer_put_string(out, "s\"");
    return true;
}
