/*
 * Where the undefined symbols of a plugin come from: its own libraries and libc, and nothing else.
 * A symbol that happens to be in a library of this host would be found too when the plugin is
 * loaded, and missing in the next host.
 */
#ifndef RUNTIME_LOADER_ELF_SCOPE_H
#define RUNTIME_LOADER_ELF_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

struct elf_image;

#define ELF_SCOPE_LIBRARIES 32

struct elf_scope {
    void *libraries[ELF_SCOPE_LIBRARIES];
    size_t count;
    bool is_whole; /* false: a library is not in this process, and may have anything */
};

/* The libraries that an image names, as far as this process has them; runs no code of theirs. */
void elf_scope_open(const struct elf_image *image, struct elf_scope *ret_scope);
void elf_scope_close(struct elf_scope *scope);

/* True if the plugin gets the symbol. If not, ret_library (NULL: none) is the library of this host
 * that has it; borrowed. */
bool elf_scope_has(const struct elf_scope *scope, const char *symbol, const char **ret_library);

#endif
