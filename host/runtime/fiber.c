/* Stack switching (Boost.Context), the pool of stacks, and what sanitizers and valgrind must be
 * told. */
#include "runtime/fiber.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id)       (void)(id)
#endif

/* Below each stack, never touched: a multiple of every page size, and more than the frames of the C
 * library, which touch the stack at any distance. Atlas and plugins are compiled to probe each
 * page. */
#define GUARD_SIZE ((size_t)64 * 1024)

/* Boost.Context's C interface; its own header is C++. */
typedef void *fcontext_t;
struct transfer {
    fcontext_t from;
    void *data;
};
struct transfer jump_fcontext(fcontext_t to, void *data);
fcontext_t make_fcontext(void *stack_top, size_t size, void (*entry)(struct transfer));

struct fiber {
    struct loop_task ready; /* queues the fiber to run */
    struct fiber_pool *pool;
    struct fiber *next_free;
    fcontext_t context;
    void (*fn)(void *arg);
    void *arg;
    struct fiber_label label;
    char *mapping; /* the guard, then the stack */
    bool has_ended;
    unsigned valgrind_id;
#if defined(__SANITIZE_ADDRESS__)
    void *fake_stack;
#endif
#if defined(__SANITIZE_THREAD__)
    void *tsan_fiber;
#endif
};

struct fiber_pool {
    struct loop *loop;
    struct fiber *free;
    unsigned alive;
    _Atomic uint64_t pulse; /* written on the loop only */
    unsigned limit;
    size_t stack_size;
    fcontext_t loop_context;
#if defined(__SANITIZE_ADDRESS__)
    void *loop_fake_stack;
    const void *loop_stack_bottom;
    size_t loop_stack_size;
#endif
#if defined(__SANITIZE_THREAD__)
    void *loop_tsan_fiber;
#endif
};

static _Thread_local struct fiber *current_fiber;

/* A fiber stays on its thread, so the address of the thread-local may be kept; noinline keeps a
 * compiler from carrying it across a switch all the same. */
__attribute__((noinline)) struct fiber *fiber_current(void)
{
    return current_fiber;
}

__attribute__((noinline)) static void set_current(struct fiber *fiber)
{
    current_fiber = fiber;
}

static void leave_loop(struct fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fiber->pool->loop_fake_stack, fiber->mapping + GUARD_SIZE,
                                   fiber->pool->stack_size);
#endif
#if defined(__SANITIZE_THREAD__)
    fiber->pool->loop_tsan_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan_fiber, 0);
#endif
    (void)fiber;
}

static void arrive_on_loop(struct fiber_pool *pool)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(pool->loop_fake_stack, NULL, NULL);
#endif
    (void)pool;
}

static void leave_fiber(struct fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    /* A fiber that has ended never comes back: NULL frees its fake stack. */
    __sanitizer_start_switch_fiber(fiber->has_ended ? NULL : &fiber->fake_stack,
                                   fiber->pool->loop_stack_bottom, fiber->pool->loop_stack_size);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(fiber->pool->loop_tsan_fiber, 0);
#endif
    (void)fiber;
}

static void arrive_on_fiber(struct fiber *fiber, bool is_first)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(is_first ? NULL : fiber->fake_stack,
                                    &fiber->pool->loop_stack_bottom, &fiber->pool->loop_stack_size);
#endif
    (void)fiber;
    (void)is_first;
}

static void fiber_entry(struct transfer transfer)
{
    struct fiber *fiber = transfer.data;
    fiber->pool->loop_context = transfer.from;
    arrive_on_fiber(fiber, true);
    fiber->fn(fiber->arg);
    fiber->has_ended = true;
    leave_fiber(fiber);
    jump_fcontext(fiber->pool->loop_context, fiber);
    abort(); /* an ended fiber is never resumed */
}

static void release(struct fiber *fiber)
{
    struct fiber_pool *pool = fiber->pool;
    fiber->next_free = pool->free;
    pool->free = fiber;
    pool->alive--;
}

static void beat(struct fiber_pool *pool)
{
    uint64_t pulse = atomic_load_explicit(&pool->pulse, memory_order_relaxed);
    atomic_store_explicit(&pool->pulse, pulse + 1, memory_order_relaxed);
}

static void run_fiber(struct loop_task *task)
{
    struct fiber *fiber = CONTAINER_OF(task, struct fiber, ready);
    struct fiber_pool *pool = fiber->pool;
    assert(current_fiber == NULL);
    set_current(fiber);
    beat(pool);
    leave_loop(fiber);
    struct transfer transfer = jump_fcontext(fiber->context, fiber);
    arrive_on_loop(pool);
    beat(pool);
    set_current(NULL);
    fiber->context = transfer.from;
    if (fiber->has_ended) {
        release(fiber);
    }
}

void fiber_suspend(void)
{
    struct fiber *fiber = fiber_current();
    assert(fiber != NULL);
    leave_fiber(fiber);
    struct transfer transfer = jump_fcontext(fiber->pool->loop_context, fiber);
    fiber->pool->loop_context = transfer.from;
    arrive_on_fiber(fiber, false);
}

void fiber_resume(struct fiber *fiber)
{
    loop_defer(fiber->pool->loop, &fiber->ready);
}

struct fiber_label fiber_set_label(struct fiber_label label)
{
    struct fiber *fiber = fiber_current();
    struct fiber_label former = fiber->label;
    fiber->label = label;
    return former;
}

void fiber_drop_label(const char *operation)
{
    struct fiber *fiber = fiber_current();
    if (fiber != NULL && fiber->label.operation == operation) {
        fiber->label = (struct fiber_label){"end of a call", "host"};
    }
}

const struct fiber_label *fiber_label(void)
{
    struct fiber *fiber = fiber_current();
    return fiber == NULL ? NULL : &fiber->label;
}

uint64_t fiber_pool_pulse(const struct fiber_pool *pool)
{
    return atomic_load_explicit(&pool->pulse, memory_order_relaxed);
}

static void free_fiber(struct fiber *fiber)
{
    if (fiber == NULL) {
        return;
    }
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(fiber->tsan_fiber);
#endif
    munmap(fiber->mapping, GUARD_SIZE + fiber->pool->stack_size);
    free(fiber);
}

static struct fiber *make_fiber(struct fiber_pool *pool)
{
    size_t size = GUARD_SIZE + pool->stack_size;
    char *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED) {
        return NULL;
    }
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (fiber == NULL || mprotect(mapping, GUARD_SIZE, PROT_NONE) != 0) {
        free(fiber);
        munmap(mapping, size);
        return NULL;
    }
    fiber->pool = pool;
    fiber->mapping = mapping;
    fiber->ready.run = run_fiber;
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(mapping + GUARD_SIZE, mapping + size);
#if defined(__SANITIZE_THREAD__)
    fiber->tsan_fiber = __tsan_create_fiber(0);
#endif
    return fiber;
}

atlas_status_t fiber_start(struct fiber_pool *pool, const struct fiber_label *label,
                           void (*fn)(void *arg), void *arg)
{
    if (pool->alive >= pool->limit) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    struct fiber *fiber = pool->free;
    if (fiber != NULL) {
        pool->free = fiber->next_free;
    } else if ((fiber = make_fiber(pool)) == NULL) {
        return ATLAS_RESOURCE_EXHAUSTED;
    }
    pool->alive++;
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->label = *label;
    fiber->has_ended = false;
    fiber->context = make_fcontext(fiber->mapping + GUARD_SIZE + pool->stack_size, pool->stack_size,
                                   fiber_entry);
    if (fiber_current() == NULL) {
        run_fiber(&fiber->ready);
    } else {
        fiber_resume(fiber);
    }
    return ATLAS_OK;
}

atlas_status_t fiber_pool_create(struct loop *loop, unsigned limit, size_t stack_size,
                                 struct fiber_pool **ret_pool, struct error *error)
{
    struct fiber_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "fibers: out of memory");
    }
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    pool->stack_size = (stack_size + page_size - 1) & ~(page_size - 1);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    pool->stack_size *= 4; /* instrumented frames are larger */
#endif
    pool->limit = limit;
    pool->loop = loop;
    *ret_pool = pool;
    return ATLAS_OK;
}

void fiber_pool_destroy(struct fiber_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    assert(pool->alive == 0);
    for (struct fiber *fiber = pool->free, *next; fiber != NULL; fiber = next) {
        next = fiber->next_free;
        free_fiber(fiber);
    }
    free(pool);
}

unsigned fiber_pool_alive(const struct fiber_pool *pool)
{
    return pool->alive;
}

/* Async-signal-safe: only write(2) and memory that the fiber owns. */
static void write_text(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static bool is_overflow(const struct fiber *fiber, int number, const siginfo_t *info)
{
    const char *address = info->si_addr;
    return number == SIGSEGV && address >= fiber->mapping && address < fiber->mapping + GUARD_SIZE;
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    const struct fiber *fiber = current_fiber;
    if (fiber != NULL) {
        write_text(is_overflow(fiber, number, info)
                       ? "level=error msg=\"stack overflow in a fiber; give it more with "
                         "calls.stack, or recurse less\" operation=\""
                       : "level=error msg=\"a fiber crashed and ends the process; the core dump or "
                         "a debugger shows where\" operation=\"");
        write_text(fiber->label.operation);
        write_text("\" plugin=");
        write_text(fiber->label.plugin);
        write_text("\n");
    }
    signal(number, SIG_DFL);
    raise(number);
}

atlas_status_t fiber_install_crash_report(struct error *error)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (sigaction(numbers[i], &action, NULL) != 0) {
            return error_set(error, ATLAS_INTERNAL, "fibers: cannot install a handler for %s: %s",
                             strsignal(numbers[i]), strerror(errno));
        }
    }
#else
    (void)on_crash;
    (void)error;
#endif
    return ATLAS_OK;
}

void fiber_prepare_thread(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    static _Thread_local char stack[16384];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
#endif
}
