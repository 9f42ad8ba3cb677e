#include "runtime/offload.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/wait.h"

/* One piece of work; lies on the stack of the fiber that waits for it. */
struct job {
    struct loop_task done;
    struct job *next;
    void (*fn)(void *arg);
    void *arg;
    struct loop *loop;
    struct wait wait;
};

struct offload_pool {
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct job *head;
    struct job **tail;
    unsigned queued;
    unsigned queue_limit;
    bool is_ending;
    unsigned thread_count;
    pthread_t threads[];
};

static struct job *next_job(struct offload_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->head == NULL && !pool->is_ending) {
        pthread_cond_wait(&pool->has_work, &pool->mutex);
    }
    struct job *job = pool->head;
    if (job != NULL) {
        pool->head = job->next;
        pool->queued--;
        if (pool->head == NULL) {
            pool->tail = &pool->head;
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

static void *run_thread(void *arg)
{
    struct offload_pool *pool = arg;
    pthread_setname_np(pthread_self(), "offload");
    for (struct job *job; (job = next_job(pool)) != NULL;) {
        job->fn(job->arg);
        loop_post(job->loop, &job->done);
    }
    return NULL;
}

atlas_status_t offload_pool_create(unsigned threads, unsigned queue_limit,
                                   struct offload_pool **ret_pool, struct error *error)
{
    struct offload_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "offload: out of memory");
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    pool->tail = &pool->head;
    pool->queue_limit = queue_limit;
    for (; pool->thread_count < threads; pool->thread_count++) {
        int failure = pthread_create(&pool->threads[pool->thread_count], NULL, run_thread, pool);
        if (failure != 0) {
            offload_pool_destroy(pool);
            return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "offload: cannot start a thread: %s",
                             strerror(failure));
        }
    }
    *ret_pool = pool;
    return ATLAS_OK;
}

void offload_pool_destroy(struct offload_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->has_work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

static bool enqueue(struct offload_pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->mutex);
    bool has_room = pool->queued < pool->queue_limit;
    if (has_room) {
        job->next = NULL;
        *pool->tail = job;
        pool->tail = &job->next;
        pool->queued++;
        pthread_cond_signal(&pool->has_work);
    }
    pthread_mutex_unlock(&pool->mutex);
    return has_room;
}

static void job_on_done(struct loop_task *task)
{
    struct job *job = CONTAINER_OF(task, struct job, done);
    wait_complete(&job->wait);
}

atlas_status_t offload_run(struct call *call, void (*fn)(void *arg), void *arg)
{
    struct offload_pool *pool = call->worker->offload;
    struct job job = {
        .done = {.run = job_on_done}, .fn = fn, .arg = arg, .loop = call->worker->loop};
    wait_init(&job.wait, call);
    if (!enqueue(pool, &job)) {
        return call_fail(call, ATLAS_RESOURCE_EXHAUSTED,
                         "offload: %u jobs wait already; see offload.queue", pool->queue_limit);
    }
    /* Never abandoned: the job lies on this stack. */
    wait_uninterrupted(&job.wait);
    return ATLAS_OK;
}
