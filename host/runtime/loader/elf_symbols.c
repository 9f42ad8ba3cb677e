#include "runtime/loader/elf_symbols.h"

#include "runtime/loader/elf_bytes.h"

/* The number of symbols by the old hash table: it has one chain entry per symbol. */
static uint64_t count_by_hash(const struct elf_image *image, uint64_t address)
{
    uint64_t offset = 0;
    uint32_t head[2];

    if (!elf_image_offset(image, address, &offset) ||
        !elf_bytes_copy(image, offset, head, sizeof head)) {
        return 0;
    }
    return head[1];
}

/* The chain of the GNU hash table ends at a value with the lowest bit set. */
static uint64_t end_of_chain(const struct elf_image *image, uint64_t chains, uint64_t first,
                             uint64_t symbol)
{
    uint32_t value = 0;

    while (symbol >= first && symbol < ELF_SYMBOL_LIMIT) {
        if (!elf_bytes_copy(image, chains + (symbol - first) * sizeof value, &value,
                            sizeof value)) {
            return 0;
        }
        symbol++;
        if ((value & 1) != 0) {
            return symbol;
        }
    }
    return 0;
}

/* The number of symbols by the GNU hash table: the end of the chain of its greatest bucket. */
static uint64_t count_by_gnu_hash(const struct elf_image *image, uint64_t address)
{
    uint64_t offset = 0;
    uint64_t greatest = 0;
    uint32_t head[4]; /* buckets, first hashed symbol, bloom words, shift */
    uint32_t bucket = 0;

    if (!elf_image_offset(image, address, &offset) ||
        !elf_bytes_copy(image, offset, head, sizeof head)) {
        return 0;
    }
    offset += sizeof head + (uint64_t)head[2] * sizeof(uint64_t);
    if (!elf_bytes_inside(image, offset, (uint64_t)head[0] * sizeof bucket)) {
        return 0;
    }
    for (uint32_t i = 0; i < head[0]; i++) {
        elf_bytes_copy(image, offset + i * sizeof bucket, &bucket, sizeof bucket);
        greatest = bucket > greatest ? bucket : greatest;
    }
    if (greatest == 0) {
        return head[1];
    }
    return end_of_chain(image, offset + (uint64_t)head[0] * sizeof bucket, head[1], greatest);
}

uint64_t elf_symbols_count(const struct elf_image *image, uint64_t hash, uint64_t gnu_hash)
{
    return hash != 0 ? count_by_hash(image, hash) : count_by_gnu_hash(image, gnu_hash);
}
