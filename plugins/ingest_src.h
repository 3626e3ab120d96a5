/*
 * ingest_src.h - the base of torgrtcsrc: torgingestsrc with other codecs. Within plugins/ only.
 */
#ifndef TG_PLUGINS_INGEST_SRC_H
#define TG_PLUGINS_INGEST_SRC_H

#include <gst/base/gstpushsrc.h>

#include "plugins/plugins.h"

G_DECLARE_DERIVABLE_TYPE(TgIngestSrc, tg_ingest_src, TG, INGEST_SRC, GstPushSrc)

struct _TgIngestSrcClass {
    GstPushSrcClass parent_class;
    unsigned codecs; /* bit c is set when enum tg_codec c is taken */
};

#endif
