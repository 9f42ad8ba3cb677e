# How everything in Atlas is compiled. Link to atlas_options; nothing is set globally.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(ATLAS_WERROR "Treat warnings as errors" OFF)
option(ATLAS_FUZZ "Build tests/fuzz with libFuzzer; needs clang" OFF)
set(ATLAS_SANITIZE "" CACHE STRING "Sanitizers for host and plugins: address,undefined or thread")

add_library(atlas_options INTERFACE)
target_compile_definitions(atlas_options INTERFACE _GNU_SOURCE)
target_compile_options(atlas_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wundef -Wformat=2 -Wvla -Wimplicit-fallthrough -fno-strict-aliasing -fno-common
    -fstack-clash-protection
    $<$<BOOL:${ATLAS_WERROR}>:-Werror>)
if(ATLAS_SANITIZE)
    target_compile_options(atlas_options INTERFACE -fsanitize=${ATLAS_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(atlas_options INTERFACE -fsanitize=${ATLAS_SANITIZE})
endif()
