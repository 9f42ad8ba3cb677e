/*
 * For ThreadSanitizer only. librdkafka uses the threads of C11, whose functions in glibc 2.36 do
 * not go through those of POSIX: the sanitizer neither learns of a thread made by thrd_create (its
 * first malloc there crashes) nor of the order that mtx_lock gives. The types are the same in
 * glibc, so each function is defined here by the one that the sanitizer intercepts; the dynamic
 * linker binds librdkafka to these.
 */
#include "services/kafka/kafka_tsan.h"

#if defined(__SANITIZE_THREAD__)

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "mtx_t is a mutex of POSIX");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "cnd_t is a condition of POSIX");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "thrd_t is a thread of POSIX");

struct start {
    thrd_start_t fn;
    void *arg;
};

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    return (void *)(intptr_t)start.fn(start.arg);
}

static int result_of(int failure)
{
    if (failure == 0) {
        return thrd_success;
    }
    if (failure == ETIMEDOUT) {
        return thrd_timedout;
    }
    return failure == EBUSY ? thrd_busy : thrd_error;
}

static pthread_mutex_t *mutex_of(mtx_t *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *condition_of(cnd_t *condition)
{
    return (pthread_cond_t *)(void *)condition;
}

int thrd_create(thrd_t *ret_thread, thrd_start_t fn, void *arg)
{
    struct start *start = malloc(sizeof *start);
    if (start == NULL) {
        return thrd_nomem;
    }
    *start = (struct start){fn, arg};
    int failure = pthread_create(ret_thread, NULL, run, start);
    if (failure != 0) {
        free(start);
    }
    return result_of(failure);
}

int thrd_join(thrd_t thread, int *ret_result)
{
    void *result = NULL;
    int failure = pthread_join(thread, &result);
    if (ret_result != NULL) {
        *ret_result = (int)(intptr_t)result;
    }
    return result_of(failure);
}

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if ((type & mtx_recursive) != 0) {
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    }
    int failure = pthread_mutex_init(mutex_of(mutex), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return result_of(failure);
}

int mtx_lock(mtx_t *mutex)
{
    return result_of(pthread_mutex_lock(mutex_of(mutex)));
}

int mtx_trylock(mtx_t *mutex)
{
    return result_of(pthread_mutex_trylock(mutex_of(mutex)));
}

int mtx_unlock(mtx_t *mutex)
{
    return result_of(pthread_mutex_unlock(mutex_of(mutex)));
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy(mutex_of(mutex));
}

int cnd_init(cnd_t *condition)
{
    return result_of(pthread_cond_init(condition_of(condition), NULL));
}

int cnd_signal(cnd_t *condition)
{
    return result_of(pthread_cond_signal(condition_of(condition)));
}

int cnd_broadcast(cnd_t *condition)
{
    return result_of(pthread_cond_broadcast(condition_of(condition)));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return result_of(pthread_cond_wait(condition_of(condition), mutex_of(mutex)));
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                  const struct timespec *restrict end)
{
    return result_of(pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), end));
}

void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy(condition_of(condition));
}

#endif

void kafka_tsan_keep(void)
{
}
