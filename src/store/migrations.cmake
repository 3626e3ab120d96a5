# The numbered files of src/store/migrations as one table in C, so that torgd carries its schema.
# Sets TG_MIGRATIONS_C. Made when CMake runs; a changed or new file makes CMake run again.
file(GLOB tg_sql_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/store/migrations/*.sql)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tg_sql_files})
set(TG_MIGRATIONS_C ${CMAKE_BINARY_DIR}/generated/store_migrations.c)
set(tg_sql_arrays "")
set(tg_sql_rows "")
set(tg_sql_number 0)
foreach(file ${tg_sql_files}) # GLOB sorts
    get_filename_component(name ${file} NAME_WE)
    math(EXPR tg_sql_number "${tg_sql_number} + 1")
    string(SUBSTRING ${name} 0 4 digits)
    math(EXPR number "1${digits} - 10000")
    if(NOT number EQUAL tg_sql_number)
        message(FATAL_ERROR "migrations must be numbered without a gap: ${file}")
    endif()
    file(READ ${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND tg_sql_arrays "static const char m${number}[] = {${bytes}0};\n")
    string(APPEND tg_sql_rows "    m${number},\n")
endforeach()
file(CONFIGURE OUTPUT ${TG_MIGRATIONS_C} CONTENT [[
/* Made by src/store/migrations.cmake. */
#include "store/migrations.h"

@tg_sql_arrays@
const char *const tg_migrations[] = {
@tg_sql_rows@};
const unsigned tg_migration_count = @tg_sql_number@;
]] @ONLY)
