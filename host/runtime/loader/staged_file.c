/* Files under <run_dir>/<pid>. Nothing here follows a link that somebody else could have put there.
 */
#include "runtime/loader/staged_file.h"

#include "base/digest.h"
#include "runtime/loader/elf_image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Removes a folder of files, given its parent. What it cannot remove stays. */
static void remove_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (folder == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        unlinkat(fd, entry->d_name, 0);
    }
    closedir(folder);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* The process that a folder is named after; 0 if its name is no process id. */
static pid_t pid_of(const char *name)
{
    char *end = NULL;

    if (name[0] < '1' || name[0] > '9') {
        return 0;
    }

    long pid = strtol(name, &end, 10);
    return *end != '\0' || pid > INT32_MAX ? 0 : (pid_t)pid;
}

static void remove_stale_folders(const char *run_dir)
{
    DIR *folder = opendir(run_dir);

    if (folder == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        pid_t pid = pid_of(entry->d_name);
        bool is_gone = pid != 0 && (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH));
        if (is_gone) {
            remove_folder(dirfd(folder), entry->d_name);
        }
    }
    closedir(folder);
}

atlas_status_t staged_folder_check(const char *run_dir, struct error *error)
{
    struct statvfs info;

    if (statvfs(run_dir, &info) == 0 && (info.f_flag & ST_NOEXEC) != 0) {
        return error_set(error, ATLAS_UNAVAILABLE,
                         "%s: is on a file system mounted noexec, no plugin can be mapped from "
                         "there: set run_dir to a folder on another one",
                         run_dir);
    }
    return ATLAS_OK;
}

atlas_status_t staged_folder_make(const char *run_dir, struct error *error)
{
    char path[PATH_MAX];

    if (mkdir(run_dir, 0755) != 0 && errno != EEXIST) {
        return error_set(
            error, ATLAS_UNAVAILABLE,
            "%s: cannot be made (%s): set run_dir to a folder that this user may write", run_dir,
            strerror(errno));
    }
    if (staged_folder_check(run_dir, error) != ATLAS_OK) {
        return ATLAS_UNAVAILABLE;
    }
    snprintf(path, sizeof path, "%s/%d", run_dir, (int)getpid());
    if (mkdir(path, 0700) != 0) {
        return error_set(
            error, ATLAS_UNAVAILABLE,
            "%s: cannot be made (%s): set run_dir to a folder that this user may write", path,
            strerror(errno));
    }
    return ATLAS_OK;
}

atlas_status_t staged_folder_open(const char *run_dir, struct error *error)
{
    remove_stale_folders(run_dir);
    return staged_folder_make(run_dir, error);
}

void staged_folder_close(const char *run_dir)
{
    char name[16];
    int fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        snprintf(name, sizeof name, "%d", (int)getpid());
        remove_folder(fd, name);
        close(fd);
    }
}

static bool write_all(int fd, const unsigned char *bytes, uint64_t size)
{
    uint64_t done = 0;

    while (done < size) {
        ssize_t count = write(fd, bytes + done, size - done);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        done += count < 0 ? 0 : (uint64_t)count;
    }
    return true;
}

static atlas_status_t write_file(const struct elf_image *image, const char *path,
                                 struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0500);
    bool is_written = fd >= 0 && write_all(fd, image->bytes, image->size);
    int reason = errno;

    if (fd >= 0 && close(fd) != 0 && is_written) {
        is_written = false;
        reason = errno;
    }
    if (!is_written) {
        if (fd >= 0) {
            unlink(path);
        }
        return error_set(error, ATLAS_UNAVAILABLE,
                         "%s: cannot be written (%s): check the space and the rights of run_dir",
                         path, strerror(reason));
    }
    return ATLAS_OK;
}

atlas_status_t staged_file_write(const struct elf_image *image, const char *run_dir, const char *id,
                                 unsigned generation, char **ret_path, struct error *error)
{
    char digest[DIGEST_TEXT_SIZE];
    char *path = NULL;

    if (asprintf(&path, "%s/%d/%s.%.8s.g%u.so", run_dir, (int)getpid(), id,
                 digest_format(image->digest, digest), generation) < 0) {
        return error_set(error, ATLAS_RESOURCE_EXHAUSTED, "plugin %s: no memory to stage it", id);
    }

    atlas_status_t status = write_file(image, path, error);
    if (status != ATLAS_OK) {
        free(path);
        return status;
    }
    *ret_path = path;
    return ATLAS_OK;
}

void staged_file_remove(char *path)
{
    if (path != NULL) {
        unlink(path);
        free(path);
    }
}
