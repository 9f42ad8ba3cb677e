/*
 * "<run_dir>/<process>.pid": holds the process id, for kill -HUP, and a lock that the system takes
 * back when the process ends, however it ends. A second process of the same name and run_dir is
 * refused.
 */
#ifndef BASE_PID_FILE_H
#define BASE_PID_FILE_H

#include "base/error.h"

struct pid_file;

/* Makes, locks and fills the file. ALREADY_EXISTS if a running process has it: the message names
 * that process. UNAVAILABLE if it cannot be written. Blocks on the disk. */
atlas_status_t pid_file_create(const char *run_dir, const char *process, struct pid_file **ret_file,
                               struct error *error);

/* Removes it and lets the lock go. NULL is allowed. */
void pid_file_remove(struct pid_file *file);

#endif
