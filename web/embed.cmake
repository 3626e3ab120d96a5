# tg_web_assets: the pages, compiled in. Target `web` builds web/dist with npm and esbuild, then a
# table of its files is assembled (.incbin) with type, hash and a gzip variant each (api/assets.h).
# web/dist and web/node_modules are shared by all build directories; embed_build.cmake locks.
set(TG_WEB_DIR ${CMAKE_SOURCE_DIR}/web)
set(TG_WEB_OUT ${CMAKE_BINARY_DIR}/web)
find_program(TG_NPM npm)

set(web_globs "")
foreach(folder api elements embed i18n images lib pages styles)
    list(APPEND web_globs ${TG_WEB_DIR}/${folder}/*)
endforeach()
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web_globs})
file(GLOB web_top CONFIGURE_DEPENDS ${TG_WEB_DIR}/*.mjs ${TG_WEB_DIR}/*.webmanifest
    ${TG_WEB_DIR}/package*.json)

add_custom_command(
    OUTPUT ${TG_WEB_OUT}/assets.S ${TG_WEB_OUT}/assets.c
    COMMAND ${CMAKE_COMMAND} -DWEB=${TG_WEB_DIR} -DOUT=${TG_WEB_OUT} -DNPM=${TG_NPM}
        -DSTRICT=$<STREQUAL:${TG_BUILD},release> -P ${TG_WEB_DIR}/embed_build.cmake
    DEPENDS ${web_sources} ${web_top} ${TG_WEB_DIR}/embed_build.cmake
    COMMENT "Building the pages" VERBATIM)
add_custom_target(web DEPENDS ${TG_WEB_OUT}/assets.S)
add_library(tg_web_assets STATIC ${TG_WEB_OUT}/assets.S ${TG_WEB_OUT}/assets.c)
target_include_directories(tg_web_assets PRIVATE ${CMAKE_SOURCE_DIR}/src)
