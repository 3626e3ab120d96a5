/*
 * faulty_store.h - a store around another that fails, or dies, at a chosen call.
 *
 * Every call to load, begin, write*, commit counts. Owner: one thread.
 */
#ifndef TG_TESTS_SUPPORT_FAULTY_STORE_H
#define TG_TESTS_SUPPORT_FAULTY_STORE_H

#include "store/store.h"

enum tg_fault {
    TG_FAULT_REFUSE,      /* this call answers IO, later ones work: the disk was full */
    TG_FAULT_CRASH,       /* the process dies before the call does anything */
    TG_FAULT_CRASH_AFTER, /* ... right after the call did its work */
};

struct tg_faulty_store {
    struct tg_store head; /* first */
    struct tg_store *inner;
    long fail_in; /* calls until the fault; -1 = none */
    enum tg_fault fault;
    bool crashed;          /* from here on every call answers IO and does nothing */
    unsigned long refused; /* calls that TG_FAULT_REFUSE hit */
};

/* Takes the inner store, which is freed with it (an open transaction of it is lost, as it should
 * be). */
struct tg_store *tg_faulty_store_init(struct tg_faulty_store *faulty, struct tg_store *take_inner);

#endif
