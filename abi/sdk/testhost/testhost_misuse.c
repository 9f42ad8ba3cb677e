#include "testhost_misuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void testhost_misuse(const char *format, ...)
{
    va_list args;

    fputs("testhost: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
