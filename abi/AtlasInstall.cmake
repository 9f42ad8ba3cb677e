# cmake --install: the SDK as the CMake package Atlas, the host with its plugins, and the documents.
# Everything finds its neighbours by relative paths, so the tree may be moved.
#   bin/atlas                 finds lib/atlas/plugins by itself
#   include/atlas/            the ABI, the SDK's helpers, the test host
#   lib/libatlas_testhost.a   lib/cmake/Atlas/ for find_package(Atlas), lib/pkgconfig/atlas-abi.pc
#   share/atlas/sdk/          what atlas_add_plugin runs and compiles; share/atlas/proto/
#   share/doc/atlas/          documents, examples, etc/atlas.cfg
include(CMakePackageConfigHelpers)

install(TARGETS atlas_abi atlas_sdk EXPORT AtlasTargets COMPONENT sdk)
install(TARGETS atlas_testhost EXPORT AtlasTargets ARCHIVE COMPONENT sdk)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/abi/atlas ${CMAKE_SOURCE_DIR}/abi/sdk/include/atlas
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk FILES_MATCHING PATTERN "*.h")
install(FILES sdk/AtlasPlugin.cmake sdk/plugin.map sdk/atlas_message.c sdk/atlas_message.h
    sdk/atlas_message_check.c sdk/atlas_message_merge.c sdk/atlas_message_scan.c
    sdk/atlas_message_wire.h DESTINATION ${CMAKE_INSTALL_DATADIR}/atlas/sdk COMPONENT sdk)
install(PROGRAMS sdk/protoc-gen-atlas sdk/atlas-embed
    DESTINATION ${CMAKE_INSTALL_DATADIR}/atlas/sdk COMPONENT sdk)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/proto/atlas ${CMAKE_SOURCE_DIR}/proto/google
    DESTINATION ${CMAKE_INSTALL_DATADIR}/atlas/proto COMPONENT sdk FILES_MATCHING PATTERN "*.proto")

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/Atlas)
set(sdk_folder ${CMAKE_INSTALL_DATADIR}/atlas/sdk)
set(proto_folder ${CMAKE_INSTALL_DATADIR}/atlas/proto)
configure_package_config_file(sdk/AtlasConfig.cmake.in ${CMAKE_BINARY_DIR}/package/AtlasConfig.cmake
    INSTALL_DESTINATION ${package_folder} PATH_VARS sdk_folder proto_folder
    NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/AtlasConfigVersion.cmake
    VERSION ${ATLAS_ABI_VERSION} COMPATIBILITY SameMajorVersion)
install(EXPORT AtlasTargets NAMESPACE Atlas:: DESTINATION ${package_folder} COMPONENT sdk)
install(FILES ${CMAKE_BINARY_DIR}/package/AtlasConfig.cmake
    ${CMAKE_BINARY_DIR}/package/AtlasConfigVersion.cmake
    DESTINATION ${package_folder} COMPONENT sdk)

# For those who use another build system: the headers, from wherever the tree was moved to.
set(pkgconfig_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH up_from_pkgconfig /${pkgconfig_folder} /)
configure_file(sdk/atlas-abi.pc.in ${CMAKE_BINARY_DIR}/package/atlas-abi.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/atlas-abi.pc
    DESTINATION ${pkgconfig_folder} COMPONENT sdk)

install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs ${CMAKE_SOURCE_DIR}/examples ${CMAKE_SOURCE_DIR}/etc
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT docs)
install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT docs)
