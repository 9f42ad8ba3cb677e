/*
 * What a plugin's file must not have, since it would break reloading, isolation or the machine:
 * seen in the file, before it is loaded.
 */
#ifndef RUNTIME_LOADER_ELF_LINT_H
#define RUNTIME_LOADER_ELF_LINT_H

struct elf_image;
struct report;

/* Adds one finding for each thing to the report, with the reason and the remedy. */
void elf_lint(const struct elf_image *image, const char *path, struct report *report);

#endif
