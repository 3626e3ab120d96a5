/*
 * migrations.h - the schema's steps, compiled in from migrations/NNNN_name.sql. Forward only: a
 * step that was released is never edited, a change is a new file.
 */
#ifndef TG_STORE_MIGRATIONS_H
#define TG_STORE_MIGRATIONS_H

/* tg_migrations[i] brings a database from version i to i + 1. */
enum { TG_MIGRATION_MAX = 1024 * 1024 }; /* bytes of one step */
extern const char *const tg_migrations[];
extern const unsigned tg_migration_count;

#endif
