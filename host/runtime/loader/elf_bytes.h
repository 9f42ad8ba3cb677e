/* The bytes of an image, whose bounds only these functions know. Private to loader/elf_*.c. */
#ifndef RUNTIME_LOADER_ELF_BYTES_H
#define RUNTIME_LOADER_ELF_BYTES_H

#include <string.h>

#include "runtime/loader/elf_image.h"

/* True if len bytes from the offset on are there. */
static inline bool elf_bytes_inside(const struct elf_image *image, uint64_t offset, uint64_t len)
{
    return offset <= image->size && len <= image->size - offset;
}

/* Copies bytes out; false if they are not all there. */
static inline bool elf_bytes_copy(const struct elf_image *image, uint64_t offset, void *target,
                                  size_t len)
{
    if (!elf_bytes_inside(image, offset, len)) {
        return false;
    }
    memcpy(target, image->bytes + offset, len);
    return true;
}

/* Where the bytes of an address lie in the file: only what a PT_LOAD segment brings counts. Address
 * 0 is the file's header, so that it stands for a table that the dynamic section does not name:
 * false. */
bool elf_image_offset(const struct elf_image *image, uint64_t address, uint64_t *ret_offset);

#endif
