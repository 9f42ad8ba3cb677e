/* A list of named checks under one lock; it is short and changes seldom. */
#include "base/readiness.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 81

struct readiness_check {
    struct readiness_check *next;
    bool is_ready;
    char name[NAME_SIZE];
    char text[READINESS_TEXT_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct readiness_check *checks;

struct readiness_check *readiness_add(const char *name)
{
    struct readiness_check *check = calloc(1, sizeof *check);
    struct readiness_check **link = &checks;

    if (check == NULL) {
        return NULL;
    }
    snprintf(check->name, sizeof check->name, "%s", name);
    snprintf(check->text, sizeof check->text, "starting");
    pthread_mutex_lock(&lock);
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = check;
    pthread_mutex_unlock(&lock);
    return check;
}

void readiness_set_ready(struct readiness_check *check)
{
    if (check != NULL) {
        pthread_mutex_lock(&lock);
        check->is_ready = true;
        check->text[0] = '\0';
        pthread_mutex_unlock(&lock);
    }
}

void readiness_set_failed(struct readiness_check *check, const char *format, ...)
{
    va_list args;

    if (check != NULL) {
        pthread_mutex_lock(&lock);
        check->is_ready = false;
        va_start(args, format);
        vsnprintf(check->text, sizeof check->text, format, args);
        va_end(args);
        pthread_mutex_unlock(&lock);
    }
}

void readiness_remove(struct readiness_check *check)
{
    struct readiness_check **link = &checks;

    if (check == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    while (*link != NULL && *link != check) {
        link = &(*link)->next;
    }
    if (*link == check) {
        *link = check->next;
    }
    pthread_mutex_unlock(&lock);
    free(check);
}

static void visit_nothing(void *arg, const char *name, bool is_ready, const char *text)
{
    (void)arg;
    (void)name;
    (void)is_ready;
    (void)text;
}

bool readiness_is_ready(void)
{
    return readiness_visit(visit_nothing, NULL);
}

bool readiness_visit(void (*fn)(void *arg, const char *name, bool is_ready, const char *text),
                     void *arg)
{
    bool is_ready = true;

    pthread_mutex_lock(&lock);
    for (const struct readiness_check *check = checks; check != NULL; check = check->next) {
        is_ready = is_ready && check->is_ready;
        fn(arg, check->name, check->is_ready, check->text);
    }
    pthread_mutex_unlock(&lock);
    return is_ready;
}
