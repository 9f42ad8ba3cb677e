/* A file becomes an image: it is read once and checked to be a whole shared object of this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/loader/elf_bytes.h"
#include "runtime/loader/elf_image.h"
#include "runtime/loader/elf_symbols.h"

/* Program headers that a plugin may have. */
#define SEGMENT_LIMIT 128

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#define OWN_NAME    "x86-64"
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#define OWN_NAME    "aarch64"
#else
#error "unknown machine: name its EM_ constant here"
#endif

/* A file that ends too early: what is loaded must be there (a page beyond the end would be a
 * SIGBUS), and so must the section headers, which linkers write last. */
static bool is_whole(const struct elf_image *image)
{
    const Elf64_Ehdr *header = &image->header;
    Elf64_Phdr segment;

    for (size_t i = 0; elf_image_segment(image, i, &segment); i++) {
        if (segment.p_type == PT_LOAD &&
            !elf_bytes_inside(image, segment.p_offset, segment.p_filesz)) {
            return false;
        }
    }
    return header->e_shnum == 0 ||
           elf_bytes_inside(image, header->e_shoff,
                            (uint64_t)header->e_shnum * header->e_shentsize);
}

/* Why a file of another machine is none for this one. */
static const char *describe_machine(const Elf64_Ehdr *header)
{
#define BUILT_FOR(machine, name)                                                                   \
    case machine:                                                                                  \
        return "it was built for " name ", this host is " OWN_NAME;
    if (header->e_ident[EI_CLASS] != ELFCLASS64) {
        return "it is a 32-bit file, this host is " OWN_NAME;
    }
    if (header->e_ident[EI_DATA] != ELFDATA2LSB) {
        return "it is a big-endian file, this host is " OWN_NAME;
    }
    switch (header->e_machine) {
        BUILT_FOR(EM_X86_64, "x86-64")
        BUILT_FOR(EM_AARCH64, "aarch64")
        BUILT_FOR(EM_RISCV, "riscv")
        BUILT_FOR(EM_PPC64, "ppc64")
        BUILT_FOR(EM_S390, "s390x")
    default:
        return "it was built for another kind of machine, this host is " OWN_NAME;
    }
#undef BUILT_FOR
}

static const char *check_header(const struct elf_image *image)
{
    const Elf64_Ehdr *header = &image->header;

    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return "it is no ELF file";
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != OWN_MACHINE) {
        return describe_machine(header);
    }
    if (header->e_type != ET_DYN) {
        return "it is no shared object";
    }
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > SEGMENT_LIMIT ||
        !elf_bytes_inside(image, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr))) {
        return "its program headers are damaged";
    }
    if (!is_whole(image)) {
        return "it is cut off";
    }
    return NULL;
}

static void find_dynamic(struct elf_image *image)
{
    Elf64_Phdr segment;

    for (size_t i = 0; elf_image_segment(image, i, &segment); i++) {
        if (segment.p_type == PT_DYNAMIC &&
            elf_bytes_inside(image, segment.p_offset, segment.p_filesz)) {
            image->dynamic.offset = segment.p_offset;
            image->dynamic.size = segment.p_filesz;
            image->dynamic.address = segment.p_vaddr;
        }
    }
}

static void read_dynamic(struct elf_image *image)
{
    uint64_t hash = 0;
    uint64_t gnu_hash = 0;
    uint64_t symbols = 0;
    Elf64_Dyn entry;

    for (size_t i = 0; elf_image_dynamic(image, i, &entry); i++) {
        switch (entry.d_tag) {
        case DT_STRTAB:
            image->strings.address = entry.d_un.d_ptr;
            break;
        case DT_STRSZ:
            image->strings.size = entry.d_un.d_val;
            break;
        case DT_SYMTAB:
            symbols = entry.d_un.d_ptr;
            break;
        case DT_HASH:
            hash = entry.d_un.d_ptr;
            break;
        case DT_GNU_HASH:
            gnu_hash = entry.d_un.d_ptr;
            break;
        case DT_FLAGS:
            image->flags = entry.d_un.d_val;
            break;
        case DT_FLAGS_1:
            image->flags_1 = entry.d_un.d_val;
            break;
        default:
            break;
        }
    }
    if (elf_image_offset(image, symbols, &image->symbols)) {
        image->symbol_count = elf_symbols_count(image, hash, gnu_hash);
    }
}

/* The parts that loading relies on must be there and whole. */
static const char *check_dynamic(struct elf_image *image)
{
    find_dynamic(image);
    if (image->dynamic.size == 0) {
        return "it has no dynamic section";
    }
    read_dynamic(image);
    if (!elf_image_offset(image, image->strings.address, &image->strings.offset) ||
        !elf_bytes_inside(image, image->strings.offset, image->strings.size)) {
        return "its string table is damaged";
    }
    if (image->symbol_count == 0 || image->symbol_count > ELF_SYMBOL_LIMIT ||
        !elf_bytes_inside(image, image->symbols, image->symbol_count * sizeof(Elf64_Sym))) {
        return "its symbol table is damaged";
    }
    return NULL;
}

/* Takes the bytes over, also on failure. */
static atlas_status_t parse(const char *name, unsigned char *bytes, size_t size,
                            struct elf_image **ret_image, struct error *error)
{
    struct elf_image *image = calloc(1, sizeof *image);
    const char *reason = NULL;

    if (image == NULL) {
        free(bytes);
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "%s: no memory to read it", name);
    }
    image->bytes = bytes;
    image->size = size;
    reason = elf_bytes_copy(image, 0, &image->header, sizeof image->header) ? check_header(image)
                                                                            : "it is too short";
    reason = reason == NULL ? check_dynamic(image) : reason;
    if (reason != NULL) {
        elf_image_destroy(image);
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "%s: is no plugin: %s; build it with atlas_add_plugin for this machine",
                         name, reason);
    }

    struct digest_part part = {bytes, size};
    atlas_status_t status = digest_sha256(&part, 1, image->digest, error);
    if (status != ATLAS_OK) {
        elf_image_destroy(image);
        return status;
    }
    *ret_image = image;
    return ATLAS_OK;
}

atlas_status_t elf_image_parse(const char *name, const void *bytes, size_t size,
                               struct elf_image **ret_image, struct error *error)
{
    unsigned char *copy = malloc(size == 0 ? 1 : size);

    if (copy == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "%s: no memory to read it", name);
    }
    memcpy(copy, bytes, size);
    return parse(name, copy, size, ret_image, error);
}

/* All bytes that fstat promised, or false with errno; 0 when the file became shorter. */
static bool read_all(int fd, unsigned char *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t count = pread(fd, bytes + done, size - done, (off_t)done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            errno = count == 0 ? ESTALE : errno;
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

static atlas_status_t read_file(const char *path, int fd, struct elf_image **ret_image,
                                struct error *error)
{
    struct stat info;

    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > ELF_IMAGE_LIMIT) {
        return error_set(error, ATLAS_INVALID_ARGUMENT,
                         "%s: is no regular file of at most 256MiB: name a plugin's .so file",
                         path);
    }

    unsigned char *bytes = malloc((size_t)info.st_size + 1);
    if (bytes == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "%s: no memory to read it", path);
    }
    if (!read_all(fd, bytes, (size_t)info.st_size)) {
        free(bytes);
        return error_set(error, ATLAS_UNAVAILABLE,
                         "%s: cannot be read (%s): try again when it is "
                         "written completely",
                         path, strerror(errno));
    }
    return parse(path, bytes, (size_t)info.st_size, ret_image, error);
}

atlas_status_t elf_image_read(const char *path, struct elf_image **ret_image, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return error_set(error, ATLAS_NOT_FOUND,
                         "%s: cannot be opened (%s): check the plugin's path and plugin_path", path,
                         strerror(errno));
    }

    atlas_status_t status = read_file(path, fd, ret_image, error);
    close(fd);
    return status;
}

void elf_image_destroy(struct elf_image *image)
{
    if (image != NULL) {
        free(image->bytes);
        free(image);
    }
}
