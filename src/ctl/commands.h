/*
 * commands.h - torgctl's commands: from words on the command line to the JSON of app/admin.h.
 */
#ifndef TG_CTL_COMMANDS_H
#define TG_CTL_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

enum ctl_parsed {
    CTL_OK,
    CTL_USAGE, /* wrong words: reason is set */
};

/* argv[0..argc) are the words after the global options. *ret is a new reference. */
enum ctl_parsed ctl_parse(int argc, char **argv, json_t **ret, char *reason, size_t reason_size);
void ctl_help(FILE *out);

#endif
