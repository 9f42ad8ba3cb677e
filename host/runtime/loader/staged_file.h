/*
 * Staged copies: the bytes of a plugin that were looked at, written under a name of their own, so
 * that whatever happens to the original, what was checked is what runs, and every generation is
 * another file.
 */
#ifndef RUNTIME_LOADER_STAGED_FILE_H
#define RUNTIME_LOADER_STAGED_FILE_H

#include "base/error.h"

struct elf_image;

/* UNAVAILABLE if run_dir is on a file system that is mounted noexec, from which nothing can be
 * mapped to run: the loader's own words for that do not help. A folder that is not there is good.
 */
atlas_status_t staged_folder_check(const char *run_dir, struct error *error);

/*
 * Makes <run_dir>/<pid>, for this user only, and removes such folders of processes that no longer
 * run. Once, before the first staging. UNAVAILABLE with folder and reason, also if nothing can be
 * run from there (a file system mounted noexec). Blocks.
 */
atlas_status_t staged_folder_open(const char *run_dir, struct error *error);

/* The same for a guest, such as `atlas check`: leaves the folders of others alone. */
atlas_status_t staged_folder_make(const char *run_dir, struct error *error);

/* Removes this process's folder with what is still in it. */
void staged_folder_close(const char *run_dir);

/*
 * Writes <run_dir>/<pid>/<id>.<first 8 hex digits of the digest>.g<generation>.so and returns its
 * path, to be freed with staged_file_remove after the library is unloaded. Fails if the file is
 * there already.
 */
atlas_status_t staged_file_write(const struct elf_image *image, const char *run_dir, const char *id,
                                 unsigned generation, char **ret_path, struct error *error);

/* Removes the file and frees the path. NULL is allowed. */
void staged_file_remove(char *path);

#endif
