#include "live/names.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/str.h"
#include "msg/role.h"

struct tg_name {
    struct tg_name *newer;
    struct tg_name *older;
    char person[TG_PERSON_SIZE];
    char *text;
};

void tg_names_init(struct tg_names *n, struct tg_rng *rng)
{
    *n = (struct tg_names){0};
    tg_map_init(&n->map, rng);
}

static void unlink_name(struct tg_names *n, struct tg_name *name)
{
    if (name->newer != NULL)
        name->newer->older = name->older;
    else
        n->newest = name->older;
    if (name->older != NULL)
        name->older->newer = name->newer;
    else
        n->oldest = name->newer;
}

static void link_newest(struct tg_names *n, struct tg_name *name)
{
    name->newer = NULL;
    name->older = n->newest;
    if (n->newest != NULL)
        n->newest->newer = name;
    else
        n->oldest = name;
    n->newest = name;
}

static void drop_oldest(struct tg_names *n)
{
    struct tg_name *old = n->oldest;

    unlink_name(n, old);
    (void)tg_map_del(&n->map, old->person, strlen(old->person));
    tg_free(old->text);
    tg_free(old);
}

void tg_names_done(struct tg_names *n)
{
    while (n->oldest != NULL)
        drop_oldest(n);
    tg_map_done(&n->map);
}

static void add(struct tg_names *n, const char *person, const char *text)
{
    struct tg_name *name = tg_calloc(1, sizeof(*name));

    if (name == NULL)
        return;
    name->text = tg_strdup(text);
    if (name->text == NULL ||
        tg_str_copy(name->person, sizeof(name->person), person, strlen(person)) != TG_OK ||
        tg_map_put(&n->map, name->person, strlen(name->person), name) != TG_OK) {
        tg_free(name->text);
        tg_free(name);
        return;
    }
    link_newest(n, name);
    if (n->map.count > TG_NAMES_MAX)
        drop_oldest(n);
}

bool tg_names_note(struct tg_names *n, const char *person, const char *text)
{
    struct tg_name *name = tg_map_get_str(&n->map, person);
    char *copy;

    if (name == NULL) {
        add(n, person, text);
        return true;
    }
    unlink_name(n, name);
    link_newest(n, name);
    if (strcmp(name->text, text) == 0)
        return false;
    copy = tg_strdup(text);
    if (copy != NULL) {
        tg_free(name->text);
        name->text = copy;
    }
    return true;
}

const char *tg_names_get(const struct tg_names *n, const char *person)
{
    const struct tg_name *name = tg_map_get_str(&n->map, person);

    return name == NULL ? "" : name->text;
}
