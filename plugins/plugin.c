#include "plugins/plugins.h"

#define TG_PLUGIN_NAME "torg"
#define TG_PLUGIN_TEXT "Elements of the torg live shopping server"
#define TG_PLUGIN_VERSION "0.1.0"
#define TG_PLUGIN_ORIGIN "torg"

static gboolean init_plugin(GstPlugin *plugin)
{
    return gst_element_register(plugin, TG_ELEMENT_INGEST_SRC, GST_RANK_NONE,
                                tg_ingest_src_get_type()) &&
           gst_element_register(plugin, TG_ELEMENT_RTC_SRC, GST_RANK_NONE, tg_rtc_src_get_type()) &&
           gst_element_register(plugin, TG_ELEMENT_FANOUT_SINK, GST_RANK_NONE,
                                tg_fanout_sink_get_type());
}

tg_err tg_plugins_register(void)
{
    gboolean ok = gst_plugin_register_static(
        GST_VERSION_MAJOR, GST_VERSION_MINOR, TG_PLUGIN_NAME, TG_PLUGIN_TEXT, init_plugin,
        TG_PLUGIN_VERSION, GST_LICENSE_UNKNOWN, TG_PLUGIN_NAME, TG_PLUGIN_NAME, TG_PLUGIN_ORIGIN);

    return ok ? TG_OK : TG_ERR_IO;
}

#ifdef TG_PLUGIN_MODULE
#define PACKAGE TG_PLUGIN_NAME
/* The macro casts its constant texts to gchar *. */
#pragma GCC diagnostic ignored "-Wcast-qual"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, torg, TG_PLUGIN_TEXT, init_plugin,
                  TG_PLUGIN_VERSION, GST_LICENSE_UNKNOWN, TG_PLUGIN_NAME, TG_PLUGIN_ORIGIN)
#endif
