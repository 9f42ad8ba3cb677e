/* The lock is flock(2) on the file, so a file that a killed process left behind is simply taken
 * over. */
#include "base/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 32

struct pid_file {
    int fd;
    char path[PATH_MAX];
};

/* True if the name still leads to the file that was locked: its owner may have removed it
 * meanwhile. */
static bool is_current(const struct pid_file *file)
{
    struct stat named;
    struct stat opened;

    return fstat(file->fd, &opened) == 0 && stat(file->path, &named) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

static atlas_status_t refuse(const struct pid_file *file, const char *process, struct error *error)
{
    char text[TEXT_SIZE] = "";
    ssize_t len = errno == EWOULDBLOCK ? pread(file->fd, text, sizeof text - 1, 0) : -1;

    if (len < 0) {
        return error_set(
            error, ATLAS_UNAVAILABLE,
            "%s: cannot be written (%s): set run_dir to a folder that this user may write",
            file->path, strerror(errno));
    }
    text[strcspn(text, "\n")] = '\0';
    return error_set(
        error, ATLAS_ALREADY_EXISTS,
        "%s: process \"%s\" runs already with this run_dir (pid %s): end it, or choose "
        "another process or run_dir",
        file->path, process, text);
}

static atlas_status_t lock(struct pid_file *file, const char *process, struct error *error)
{
    for (;;) {
        file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (file->fd < 0 || flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
            return refuse(file, process, error);
        }
        if (is_current(file)) {
            return ATLAS_OK;
        }
        close(file->fd);
    }
}

static atlas_status_t fill(const struct pid_file *file, struct error *error)
{
    char text[TEXT_SIZE];
    size_t len = (size_t)snprintf(text, sizeof text, "%d\n", (int)getpid());

    if (ftruncate(file->fd, 0) != 0 || pwrite(file->fd, text, len, 0) != (ssize_t)len) {
        return error_set(error, ATLAS_UNAVAILABLE,
                         "%s: cannot be written (%s): make room in run_dir", file->path,
                         strerror(errno));
    }
    return ATLAS_OK;
}

atlas_status_t pid_file_create(const char *run_dir, const char *process, struct pid_file **ret_file,
                               struct error *error)
{
    struct pid_file *file = calloc(1, sizeof *file);

    if (file == NULL) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "%s: no memory for the pid file",
                         process);
    }
    snprintf(file->path, sizeof file->path, "%s/%s.pid", run_dir, process);

    atlas_status_t status = lock(file, process, error);
    if (status == ATLAS_OK) {
        status = fill(file, error);
    }
    if (status != ATLAS_OK) {
        if (file->fd >= 0) {
            close(file->fd);
        }
        free(file);
        return status;
    }
    *ret_file = file;
    return ATLAS_OK;
}

void pid_file_remove(struct pid_file *file)
{
    if (file != NULL) {
        unlink(file->path);
        close(file->fd);
        free(file);
    }
}
