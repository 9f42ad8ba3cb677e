# atlas_add_plugin(<id>
#     SOURCES <file>...              the plugin's own code
#     [PROTOS <file.proto>...]       services that it serves; their descriptors go into the plugin
#     [CLIENT_PROTOS <file.proto>..] services that it calls, and events
#     [MIGRATIONS <file.sql>...]     in order; #include "<id>_migrations.h"
#     [REDIS_SCRIPTS <file.lua>...]  #include "<id>_scripts.h" for <id>_<file>_script
#     [PROTO_DIRS <folder>...]       where protos are looked for, before the caller's own folder
#                                    and the SDK's protos
#     [INCLUDE_DIRS <folder>...] [LIBS <library>...])
# builds <build>/plugins/<id>.so, the target <id>. Protos are named as they are imported ("atlas/order/v1/order.proto");
# what they import is found by itself. For each: #include "atlas/order/v1/order.atlas.h".
#
# atlas_add_messages(<target> [PROTOS ...] [CLIENT_PROTOS ...] [PROTO_DIRS ...]) makes a static library
# of the same generated code, for tests that speak to plugins; without service tables.

set(ATLAS_SDK_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE INTERNAL "Where this SDK is")
set(ATLAS_MESSAGE_SOURCES ${ATLAS_SDK_DIR}/atlas_message.c ${ATLAS_SDK_DIR}/atlas_message_check.c
    ${ATLAS_SDK_DIR}/atlas_message_merge.c ${ATLAS_SDK_DIR}/atlas_message_scan.c CACHE INTERNAL "What each plugin compiles for its messages")
find_program(ATLAS_PROTOC protoc)
find_program(ATLAS_PROTOC_GEN_C protoc-gen-c)
find_library(ATLAS_PROTOBUF_C_ARCHIVE NAMES libprotobuf-c.a)
find_path(ATLAS_WELL_KNOWN_PROTOS google/protobuf/timestamp.proto)

# Ends the configuration with the Debian package that has what is missing.
function(atlas_need variable what package)
    if(NOT ${variable})
        message(FATAL_ERROR "atlas: ${what} is not installed. Remedy: apt-get install ${package}")
    endif()
endfunction()

if(NOT ATLAS_HAS_PYTHON_PROTOBUF)
    execute_process(COMMAND /usr/bin/python3 -c "import google.protobuf" RESULT_VARIABLE result
        OUTPUT_QUIET ERROR_QUIET)
    if(result EQUAL 0)
        set(ATLAS_HAS_PYTHON_PROTOBUF TRUE CACHE INTERNAL "The SDK's programs can run")
    endif()
endif()
atlas_need(ATLAS_PROTOC protoc protobuf-compiler)
atlas_need(ATLAS_PROTOC_GEN_C protoc-gen-c protobuf-c-compiler)
atlas_need(ATLAS_PROTOBUF_C_ARCHIVE libprotobuf-c.a libprotobuf-c-dev)
atlas_need(ATLAS_WELL_KNOWN_PROTOS google/protobuf/timestamp.proto libprotobuf-dev)
atlas_need(ATLAS_HAS_PYTHON_PROTOBUF "google.protobuf for /usr/bin/python3" python3-protobuf)

# The names that a proto imports, as protoc reads them: in either quotes, indented, several in a line.
function(atlas_imports result path)
    file(READ ${path} text)
    string(REGEX REPLACE "//[^\n]*" "" text "${text}")
    string(REGEX REPLACE "/\\*([^*]|\\*+[^*/])*\\*+/" " " text "${text}")
    string(REGEX MATCHALL "(^|[; \t\n])import[ \t\n]+(public|weak)?[ \t\n]*[\"'][^\"';]+[\"']" lines "${text}")
    set(names)
    foreach(line IN LISTS lines)
        if(line MATCHES "[\"']([^\"']+)")
            list(APPEND names ${CMAKE_MATCH_1})
        endif()
    endforeach()
    set(${result} ${names} PARENT_SCOPE)
endfunction()

# The protos that a list of them imports, themselves included, without those that only carry options.
function(atlas_proto_closure result dirs)
    set(pending ${ARGN})
    set(closure)
    while(pending)
        list(POP_FRONT pending proto)
        if(proto IN_LIST closure OR proto MATCHES "^google/(api/|protobuf/descriptor)")
            continue()
        endif()
        list(APPEND closure ${proto})
        atlas_proto_path(path "${dirs}" ${proto})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
        atlas_imports(imports ${path})
        list(APPEND pending ${imports})
    endwhile()
    set(${result} ${closure} PARENT_SCOPE)
endfunction()

# The folders where protos are looked for: those that are given, then the caller's own and the SDK's. Each is
# written in one way ("a/../b" is "b"), or CMake and ninja would take a proto for two files.
function(atlas_proto_dirs result)
    set(dirs)
    foreach(dir ${ARGN} ${CMAKE_CURRENT_SOURCE_DIR} ${ATLAS_PROTO_DIR} ${ATLAS_WELL_KNOWN_PROTOS})
        get_filename_component(dir ${dir} ABSOLUTE)
        list(APPEND dirs ${dir})
    endforeach()
    list(REMOVE_DUPLICATES dirs)
    set(${result} ${dirs} PARENT_SCOPE)
endfunction()

# Where a proto lies in a list of folders.
function(atlas_proto_path result dirs proto)
    foreach(dir IN LISTS dirs)
        if(EXISTS ${dir}/${proto})
            set(${result} ${dir}/${proto} PARENT_SCOPE)
            return()
        endif()
    endforeach()
    message(FATAL_ERROR "atlas: ${proto} is in none of: ${dirs}. Remedy: name it as it is imported, "
                        "or give its folder in PROTO_DIRS")
endfunction()

# Commands that generate the code of protos into a folder; result: the sources to compile.
function(atlas_generate result folder dirs served_protos)
    set(sources)
    set(includes)
    foreach(dir IN LISTS dirs)
        list(APPEND includes -I${dir})
    endforeach()
    atlas_proto_closure(closure "${dirs}" ${served_protos} ${ARGN})
    foreach(proto IN LISTS closure)
        string(REGEX REPLACE "\\.proto$" "" base ${proto})
        set(out ${folder}/${base})
        atlas_proto_path(path "${dirs}" ${proto})
        add_custom_command(
            OUTPUT ${out}.pb-c.c ${out}.pb-c.h ${out}.atlas.h ${out}.atlas.client.c
                   ${out}.atlas.service.c
            COMMAND ${ATLAS_PROTOC} --plugin=protoc-gen-atlas=${ATLAS_SDK_DIR}/protoc-gen-atlas
                    ${includes} --atlas_out=${folder} ${proto}
            DEPENDS ${path} ${ATLAS_SDK_DIR}/protoc-gen-atlas
            COMMENT "protoc-gen-atlas ${proto}" VERBATIM)
        list(APPEND sources ${out}.pb-c.c ${out}.atlas.client.c)
        if(proto IN_LIST served_protos)
            list(APPEND sources ${out}.atlas.service.c)
        endif()
    endforeach()
    # protobuf-c's own output does not try to be free of our warnings.
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -w)
    set(${result} ${sources} PARENT_SCOPE)
endfunction()

# The descriptors of the served protos, all imports included, as a note.
function(atlas_embed_descriptors result folder dirs)
    set(includes)
    set(paths)
    foreach(dir IN LISTS dirs)
        list(APPEND includes -I${dir})
    endforeach()
    atlas_proto_closure(closure "${dirs}" ${ARGN})
    foreach(proto IN LISTS closure)
        atlas_proto_path(path "${dirs}" ${proto})
        list(APPEND paths ${path})
    endforeach()
    set(out ${folder}/descriptors.atlas)
    add_custom_command(
        OUTPUT ${out}.pb ${out}.c
        COMMAND ${ATLAS_PROTOC} ${includes} --include_imports --descriptor_set_out=${out}.pb ${ARGN}
        COMMAND ${ATLAS_SDK_DIR}/atlas-embed descriptors ${out}.pb ${out}.c
        DEPENDS ${paths} ${ATLAS_SDK_DIR}/atlas-embed
        COMMENT "descriptors ${ARGN}" VERBATIM)
    set(${result} ${out}.c PARENT_SCOPE)
endfunction()

# A header that embeds files: kind is "migrations" or "scripts".
function(atlas_embed_files result folder id kind)
    set(paths)
    foreach(file IN LISTS ARGN)
        get_filename_component(path ${file} ABSOLUTE)
        list(APPEND paths ${path})
    endforeach()
    set(out ${folder}/${id}_${kind}.h)
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${ATLAS_SDK_DIR}/atlas-embed ${kind} ${id} ${out} ${paths}
        DEPENDS ${paths} ${ATLAS_SDK_DIR}/atlas-embed
        COMMENT "${kind} of ${id}" VERBATIM)
    set(${result} ${out} PARENT_SCOPE)
endfunction()

# What a plugin and a message library are both compiled with.
function(atlas_use_sdk target folder)
    target_include_directories(${target} SYSTEM PUBLIC ${folder})
    target_include_directories(${target} PUBLIC ${ATLAS_SDK_DIR})
    target_link_libraries(${target} PUBLIC Atlas::sdk)
    target_link_libraries(${target} PRIVATE $<TARGET_NAME_IF_EXISTS:atlas_options>)
    # Only what the plugin needs of it, and hidden.
    target_link_libraries(${target} PUBLIC ${ATLAS_PROTOBUF_C_ARCHIVE} m)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_VISIBILITY_PRESET hidden
                                               POSITION_INDEPENDENT_CODE ON)
endfunction()

function(atlas_add_messages target)
    cmake_parse_arguments(ARG "" "" "PROTOS;CLIENT_PROTOS;PROTO_DIRS" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "atlas_add_messages(${target}): not understood: ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.gen)
    file(MAKE_DIRECTORY ${folder})
    atlas_proto_dirs(dirs ${ARG_PROTO_DIRS})
    atlas_generate(generated ${folder} "${dirs}" "" ${ARG_PROTOS} ${ARG_CLIENT_PROTOS})
    add_library(${target} STATIC ${generated} ${ATLAS_MESSAGE_SOURCES})
    atlas_use_sdk(${target} ${folder})
endfunction()

function(atlas_add_plugin id)
    cmake_parse_arguments(ARG "" ""
        "SOURCES;PROTOS;CLIENT_PROTOS;MIGRATIONS;REDIS_SCRIPTS;PROTO_DIRS;INCLUDE_DIRS;LIBS" ${ARGN})
    if(ARG_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "atlas_add_plugin(${id}): not understood: ${ARG_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT id MATCHES "^[a-z][a-z0-9_]*$")
        message(FATAL_ERROR "atlas_add_plugin(${id}): an id has the characters [a-z0-9_] and begins with a letter, "
                            "as in the plugin's manifest")
    endif()
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${id}.gen)
    file(MAKE_DIRECTORY ${folder})
    atlas_proto_dirs(dirs ${ARG_PROTO_DIRS})
    atlas_generate(generated ${folder} "${dirs}" "${ARG_PROTOS}" ${ARG_CLIENT_PROTOS})
    if(ARG_PROTOS)
        atlas_embed_descriptors(descriptors ${folder} "${dirs}" ${ARG_PROTOS})
        list(APPEND generated ${descriptors})
    endif()
    if(ARG_MIGRATIONS)
        atlas_embed_files(migrations ${folder} ${id} migrations ${ARG_MIGRATIONS})
        list(APPEND generated ${migrations})
    endif()
    if(ARG_REDIS_SCRIPTS)
        atlas_embed_files(scripts ${folder} ${id} scripts ${ARG_REDIS_SCRIPTS})
        list(APPEND generated ${scripts})
    endif()

    add_library(${id} MODULE ${ARG_SOURCES} ${generated} ${ATLAS_MESSAGE_SOURCES})
    atlas_use_sdk(${id} ${folder})
    target_include_directories(${id} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${ARG_INCLUDE_DIRS})
    target_link_libraries(${id} PRIVATE ${ARG_LIBS})
    # A large frame touches each page of the stack, so that it cannot step over the guard of a fiber.
    target_compile_options(${id} PRIVATE -ftls-model=global-dynamic -fstack-clash-protection)
    target_link_options(${id} PRIVATE
        -Wl,-z,now -Wl,-Bsymbolic -Wl,--exclude-libs,ALL
        -Wl,--version-script=${ATLAS_SDK_DIR}/plugin.map)
    # A sanitizer's run time is found in the program, so its symbols are undefined here.
    if(NOT ATLAS_SANITIZE AND NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
        target_link_options(${id} PRIVATE -Wl,-z,defs)
    endif()
    set_target_properties(${id} PROPERTIES PREFIX "" SUFFIX .so
        LINK_DEPENDS ${ATLAS_SDK_DIR}/plugin.map
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endfunction()
