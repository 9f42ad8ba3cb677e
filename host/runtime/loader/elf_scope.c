#include "runtime/loader/elf_scope.h"

#include "runtime/loader/elf_image.h"

#include <dlfcn.h>
#include <string.h>

/* What compilers ask of the run time of a sanitizer, which is in the program. */
static const char *const of_sanitizers[] = {"__asan_", "__ubsan_",     "__tsan_",
                                            "__lsan_", "__sanitizer_", "__gcov_"};

static void add(struct elf_scope *scope, const char *name)
{
    void *library =
        scope->count < ELF_SCOPE_LIBRARIES ? dlopen(name, RTLD_LAZY | RTLD_NOLOAD) : NULL;

    if (library == NULL) {
        scope->is_whole = false;
        return;
    }
    scope->libraries[scope->count++] = library;
}

void elf_scope_open(const struct elf_image *image, struct elf_scope *ret_scope)
{
    Elf64_Dyn entry;

    *ret_scope = (struct elf_scope){.is_whole = true};
    add(ret_scope, "libc.so.6"); /* a plugin without it still gets what it has */
    for (size_t i = 0; elf_image_dynamic(image, i, &entry); i++) {
        if (entry.d_tag == DT_NEEDED) {
            add(ret_scope, elf_image_string(image, entry.d_un.d_val));
        }
    }
}

void elf_scope_close(struct elf_scope *scope)
{
    while (scope->count > 0) {
        dlclose(scope->libraries[--scope->count]);
    }
}

bool elf_scope_has(const struct elf_scope *scope, const char *symbol, const char **ret_library)
{
    Dl_info info;

    for (size_t i = 0; i < sizeof of_sanitizers / sizeof of_sanitizers[0]; i++) {
        if (strncmp(symbol, of_sanitizers[i], strlen(of_sanitizers[i])) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < scope->count; i++) {
        if (dlsym(scope->libraries[i], symbol) != NULL) {
            return true;
        }
    }
    if (!scope->is_whole) {
        return true;
    }

    const void *elsewhere = dlsym(RTLD_DEFAULT, symbol);
    *ret_library = elsewhere != NULL && dladdr(elsewhere, &info) != 0 ? info.dli_fname : NULL;
    return false;
}
