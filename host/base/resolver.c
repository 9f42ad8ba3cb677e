/* One list of queries that wait; a lookup answers all of them that have its name. */
#include "base/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"

/* Names that are looked up at once. */
#define THREADS_MAX 4

#define HOST_SIZE 256

struct resolver_query {
    struct loop_task task; /* brings the answer to the loop */
    struct loop *loop;
    void (*done)(void *arg, const struct resolver_answer *answer);
    void *arg;
    bool is_cancelled; /* for the loop only */
    bool is_waiting;   /* in the list; this and the next two under the mutex */
    struct resolver_query *next;
    struct resolver_query **link;
    uint16_t port;
    struct resolver_answer answer;
    char host[HOST_SIZE];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_work = PTHREAD_COND_INITIALIZER;
static struct resolver_query *waiting;
static struct resolver_query **waiting_tail = &waiting;
static char under_way[THREADS_MAX][HOST_SIZE]; /* "": that thread is free */
static unsigned thread_count;

/* --- Lookup ----------------------------------------------------------------------------------- */

static void set_port(struct resolver_address *address, uint16_t port)
{
    if (address->address.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)(void *)&address->address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)(void *)&address->address)->sin_port = htons(port);
    }
}

static void look_up(const char *host, int flags, struct resolver_answer *ret_answer)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, NULL, &hints, &found);

    ret_answer->count = 0;
    ret_answer->failure[0] = '\0';
    if (failure != 0) {
        snprintf(ret_answer->failure, sizeof ret_answer->failure, "%.60s: %s", host,
                 gai_strerror(failure));
        return;
    }
    for (const struct addrinfo *one = found;
         one != NULL && ret_answer->count < RESOLVER_ADDRESSES_MAX; one = one->ai_next) {
        struct resolver_address *address = &ret_answer->addresses[ret_answer->count++];
        memcpy(&address->address, one->ai_addr, one->ai_addrlen);
        address->len = one->ai_addrlen;
    }
    freeaddrinfo(found);
}

static void run_answer(struct loop_task *task)
{
    struct resolver_query *query = CONTAINER_OF(task, struct resolver_query, task);

    for (unsigned i = 0; i < query->answer.count; i++) {
        set_port(&query->answer.addresses[i], query->port);
    }
    if (!query->is_cancelled) {
        query->done(query->arg, &query->answer);
    }
    free(query);
}

/* --- The threads; everything below with the mutex held ---------------------------------------- */

static void unlink_query(struct resolver_query *query)
{
    *query->link = query->next;
    if (query->next != NULL) {
        query->next->link = query->link;
    } else {
        waiting_tail = query->link;
    }
    query->is_waiting = false;
}

static bool is_under_way(const char *host)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        if (strcmp(under_way[i], host) == 0) {
            return true;
        }
    }
    return false;
}

static void answer_all(const char *host, const struct resolver_answer *answer)
{
    for (struct resolver_query *query = waiting, *next; query != NULL; query = next) {
        next = query->next;
        if (strcmp(query->host, host) == 0) {
            unlink_query(query);
            query->answer = *answer;
            loop_post(query->loop, &query->task);
        }
    }
}

static const struct resolver_query *find_work(void)
{
    const struct resolver_query *query = waiting;
    while (query != NULL && is_under_way(query->host)) {
        query = query->next;
    }
    return query;
}

static void *run_thread(void *arg);

/* They live as long as the process, which does not wait for them: a lookup may take long. */
static bool start_thread(char *host)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run_thread, host) != 0) {
        return false;
    }
    pthread_detach(thread);
    thread_count++;
    return true;
}

/* Gives names that nobody looks up to threads that are free or not yet there. */
static void hand_out(void)
{
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        const struct resolver_query *query = find_work();
        if (query == NULL) {
            return;
        }
        if (under_way[i][0] != '\0') {
            continue;
        }
        snprintf(under_way[i], HOST_SIZE, "%s", query->host);
        if (i >= thread_count && !start_thread(under_way[i])) {
            under_way[i][0] = '\0'; /* those that are there take it later */
            return;
        }
    }
}

static void *run_thread(void *arg)
{
    const char *host = arg; /* in under_way */
    struct resolver_answer answer = {0};

    pthread_setname_np(pthread_self(), "resolver");
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (host[0] == '\0') {
            pthread_cond_wait(&has_work, &mutex);
        }
        pthread_mutex_unlock(&mutex);
        look_up(host, 0, &answer); /* nobody else writes the name while it is one */
        pthread_mutex_lock(&mutex);
        answer_all(host, &answer);
        *(char *)arg = '\0';
        hand_out();
        pthread_cond_broadcast(&has_work);
    }
    return NULL;
}

/* --- Queries ---------------------------------------------------------------------------------- */

/* False if there is no thread to look it up. */
static bool enqueue(struct resolver_query *query)
{
    pthread_mutex_lock(&mutex);
    query->is_waiting = true;
    query->link = waiting_tail;
    *waiting_tail = query;
    waiting_tail = &query->next;
    hand_out();
    pthread_cond_broadcast(&has_work);
    bool is_served = thread_count > 0;
    if (!is_served) {
        unlink_query(query);
    }
    pthread_mutex_unlock(&mutex);
    return is_served;
}

struct resolver_query *resolver_start(struct loop *loop, const char *host, uint16_t port,
                                      void (*done)(void *arg, const struct resolver_answer *answer),
                                      void *arg)
{
    struct resolver_query *query = calloc(1, sizeof *query);

    if (query == NULL) {
        return NULL;
    }
    *query = (struct resolver_query){
        .task = {.run = run_answer}, .loop = loop, .done = done, .arg = arg, .port = port};
    if ((size_t)snprintf(query->host, sizeof query->host, "%s", host) >= sizeof query->host) {
        snprintf(query->answer.failure, sizeof query->answer.failure, "the name is too long");
        loop_defer(loop, &query->task);
        return query;
    }
    look_up(host, AI_NUMERICHOST, &query->answer);
    if (query->answer.count > 0) {
        loop_defer(loop, &query->task);
    } else if (!enqueue(query)) {
        free(query);
        return NULL;
    }
    return query;
}

void resolver_cancel(struct resolver_query *query)
{
    if (query == NULL) {
        return;
    }
    query->is_cancelled = true; /* if its answer is on the way already */
    pthread_mutex_lock(&mutex);
    bool was_waiting = query->is_waiting;
    if (was_waiting) {
        unlink_query(query);
    }
    pthread_mutex_unlock(&mutex);
    if (was_waiting) {
        free(query);
    }
}

const char *resolver_address_text(const struct resolver_address *address, char *text)
{
    if (getnameinfo((const struct sockaddr *)(const void *)&address->address, address->len, text,
                    RESOLVER_TEXT_SIZE, NULL, 0, NI_NUMERICHOST) != 0) {
        text[0] = '\0';
    }
    return text;
}
