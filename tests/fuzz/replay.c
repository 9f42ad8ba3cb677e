/* Runs a fuzzer over files and folders, in builds without libFuzzer: what was found once stays
 * found. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_LIMIT (1u << 20)

static unsigned int count;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_LIMIT);

    MUST(file != NULL && data != NULL);
    size_t size = fread(data, 1, INPUT_LIMIT, file);
    uint8_t *input = malloc(size > 0 ? size : 1); /* of its exact size, for the sanitizer */
    MUST(input != NULL);
    memcpy(input, data, size);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(input, size);
    count++;
    free(input);
    free(data);
    fclose(file);
}

static void replay(const char *path)
{
    struct stat status;
    DIR *folder = NULL;

    MUST(stat(path, &status) == 0);
    if (!S_ISDIR(status.st_mode)) {
        replay_file(path);
        return;
    }
    folder = opendir(path);
    MUST(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char inner[1024];

        if (entry->d_name[0] != '.') {
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            replay(inner);
        }
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}
