/* Reads ELF structures by copying them out of the bytes. */
#include "runtime/loader/elf_image.h"

#include <string.h>

#include "runtime/loader/elf_bytes.h"

/* Entries of a dynamic section that a plugin may have. */
#define DYNAMIC_LIMIT 4096

bool elf_image_segment(const struct elf_image *image, size_t index, Elf64_Phdr *ret_segment)
{
    if (index >= image->header.e_phnum || image->header.e_phoff > image->size) {
        return false;
    }
    return elf_bytes_copy(image, image->header.e_phoff + index * sizeof *ret_segment, ret_segment,
                          sizeof *ret_segment);
}

bool elf_image_offset(const struct elf_image *image, uint64_t address, uint64_t *ret_offset)
{
    Elf64_Phdr segment;

    for (size_t i = 0; elf_image_segment(image, i, &segment); i++) {
        if (segment.p_type == PT_LOAD && address != 0 && address >= segment.p_vaddr &&
            address - segment.p_vaddr < segment.p_filesz &&
            segment.p_offset <= image->size - (address - segment.p_vaddr)) {
            *ret_offset = segment.p_offset + (address - segment.p_vaddr);
            return *ret_offset < image->size;
        }
    }
    return false;
}

bool elf_image_dynamic(const struct elf_image *image, size_t index, Elf64_Dyn *ret_entry)
{
    if (index >= DYNAMIC_LIMIT || (index + 1) * sizeof *ret_entry > image->dynamic.size) {
        return false;
    }
    return elf_bytes_copy(image, image->dynamic.offset + index * sizeof *ret_entry, ret_entry,
                          sizeof *ret_entry) &&
           ret_entry->d_tag != DT_NULL;
}

const char *elf_image_string(const struct elf_image *image, uint64_t offset)
{
    if (offset >= image->strings.size) {
        return "";
    }

    const char *text = (const char *)image->bytes + image->strings.offset + offset;
    return memchr(text, '\0', image->strings.size - offset) == NULL ? "" : text;
}

bool elf_image_symbol(const struct elf_image *image, uint64_t index, Elf64_Sym *ret_symbol,
                      const char **ret_name)
{
    if (index >= image->symbol_count ||
        !elf_bytes_copy(image, image->symbols + index * sizeof *ret_symbol, ret_symbol,
                        sizeof *ret_symbol)) {
        return false;
    }
    *ret_name = elf_image_string(image, ret_symbol->st_name);
    return true;
}

/* A note's fields are aligned to 4, or to 8 in a segment that is. */
static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

/* Reads the note at the cursor within its segment and moves on. False at the end of the segment. */
static bool read_note(const struct elf_image *image, const Elf64_Phdr *segment,
                      struct elf_note *note, const char **ret_owner, size_t *ret_owner_len)
{
    uint64_t alignment = segment->p_align == 8 ? 8 : 4;
    Elf64_Nhdr head;

    if (!elf_bytes_inside(image, segment->p_offset, segment->p_filesz) ||
        note->offset > segment->p_filesz || segment->p_filesz - note->offset < sizeof head) {
        return false;
    }
    elf_bytes_copy(image, segment->p_offset + note->offset, &head, sizeof head);

    uint64_t owner = note->offset + sizeof head;
    uint64_t data = align_up(owner + head.n_namesz, alignment);
    if (data > segment->p_filesz || head.n_descsz > segment->p_filesz - data) {
        return false;
    }
    *ret_owner = (const char *)image->bytes + segment->p_offset + owner;
    *ret_owner_len = head.n_namesz;
    note->type = head.n_type;
    note->data = image->bytes + segment->p_offset + data;
    note->len = head.n_descsz;
    note->offset = align_up(data + head.n_descsz, alignment);
    return true;
}

bool elf_image_next_note(const struct elf_image *image, const char *owner, struct elf_note *note)
{
    const char *found = NULL;
    size_t found_len = 0;
    Elf64_Phdr segment;

    for (; elf_image_segment(image, note->segment, &segment); note->segment++, note->offset = 0) {
        if (segment.p_type != PT_NOTE) {
            continue;
        }
        while (read_note(image, &segment, note, &found, &found_len)) {
            if (found_len == strlen(owner) + 1 && memcmp(found, owner, found_len) == 0) {
                return true;
            }
        }
    }
    return false;
}
