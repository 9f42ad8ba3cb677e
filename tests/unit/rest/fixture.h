/* The descriptors of transcode.proto, read from the file that protoc made. */
#ifndef TESTS_UNIT_REST_FIXTURE_H
#define TESTS_UNIT_REST_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/descriptors.h"

/* The whole file in memory of its own; exits if it cannot be read. */
static inline struct atlas_bytes fixture_read(const char *path)
{
    static char data[1 << 18];
    FILE *file = fopen(path, "rb");
    size_t len = file != NULL ? fread(data, 1, sizeof data, file) : 0;

    if (len == 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    return (struct atlas_bytes){data, len};
}

static inline struct descriptor_set *fixture_descriptors(void)
{
    struct descriptor_set *set = NULL;
    struct error error = {0};

    if (descriptors_create(fixture_read(TRANSCODE_DESCRIPTORS), &set, &error) != ATLAS_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(EXIT_FAILURE);
    }
    return set;
}

#endif
