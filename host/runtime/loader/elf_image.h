/*
 * The bytes of a plugin's file, looked at before any of its code runs. The file is taken to be
 * hostile: every offset and count in it is checked against the bytes that are there.
 */
#ifndef RUNTIME_LOADER_ELF_IMAGE_H
#define RUNTIME_LOADER_ELF_IMAGE_H

#include <elf.h>

#include "base/digest.h"
#include "base/error.h"

/* A larger file is refused. */
#define ELF_IMAGE_LIMIT (INT64_C(256) << 20)

struct elf_segment {
    uint64_t offset;
    uint64_t address;
    uint64_t size;
};

struct elf_image {
    unsigned char *bytes; /* owned */
    uint64_t size;
    uint8_t digest[DIGEST_SIZE]; /* of the bytes */
    Elf64_Ehdr header;
    /* From the dynamic section; all inside of bytes, zero if absent. */
    struct elf_segment strings;
    struct elf_segment dynamic;
    uint64_t symbols; /* offset of the first symbol */
    uint64_t symbol_count;
    uint64_t flags;   /* DT_FLAGS */
    uint64_t flags_1; /* DT_FLAGS_1 */
};

/*
 * Reads a file once into private bytes and checks that it is a shared object for this machine.
 * NOT_FOUND if it cannot be read, INVALID_ARGUMENT if it is none; the message names the path and
 * the reason. Blocks.
 */
atlas_status_t elf_image_read(const char *path, struct elf_image **ret_image, struct error *error);

/* The same from bytes, which are copied; name is for messages. */
atlas_status_t elf_image_parse(const char *name, const void *bytes, size_t size,
                               struct elf_image **ret_image, struct error *error);

/* Frees it. NULL is allowed. */
void elf_image_destroy(struct elf_image *image);

/* One note of an owner, in the order of the file. Start with a zeroed cursor. */
struct elf_note {
    uint32_t type;
    const unsigned char *data; /* borrowed from the image */
    size_t len;
    uint32_t segment; /* where to go on: private to elf_image_next_note */
    uint64_t offset;
};
bool elf_image_next_note(const struct elf_image *image, const char *owner, struct elf_note *note);

/* One entry of the dynamic section; false behind the last one. */
bool elf_image_dynamic(const struct elf_image *image, size_t index, Elf64_Dyn *ret_entry);

/* The n-th dynamic symbol and its name; false behind the last one. The name is "" if it lies
 * outside. */
bool elf_image_symbol(const struct elf_image *image, uint64_t index, Elf64_Sym *ret_symbol,
                      const char **ret_name);

/* A string of the dynamic string table; "" if the offset or its end lies outside. Borrowed. */
const char *elf_image_string(const struct elf_image *image, uint64_t offset);

/* The n-th program header; false behind the last one. */
bool elf_image_segment(const struct elf_image *image, size_t index, Elf64_Phdr *ret_segment);

#endif
