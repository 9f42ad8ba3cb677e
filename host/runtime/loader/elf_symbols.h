/* How many dynamic symbols an image has: only its hash tables say. Private to loader/elf_*.c. */
#ifndef RUNTIME_LOADER_ELF_SYMBOLS_H
#define RUNTIME_LOADER_ELF_SYMBOLS_H

#include "runtime/loader/elf_image.h"

/* Symbols that a plugin may have. */
#define ELF_SYMBOL_LIMIT (1u << 20)

/* The number by the tables at these addresses, of which 0 is none; 0 if they are damaged. */
uint64_t elf_symbols_count(const struct elf_image *image, uint64_t hash, uint64_t gnu_hash);

#endif
