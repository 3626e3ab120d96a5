/* libgsttorg.so as gst-launch-1.0 and gst-inspect-1.0 see it. Nothing here links the elements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gst/gst.h>

/* Tests lie in BUILD/tests, the module in BUILD. */
static char *module_path(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *tests = g_path_get_dirname(self);
    g_autofree char *build = g_path_get_dirname(tests);

    return g_build_filename(build, "libgsttorg.so", NULL);
}

static int setup(void **state)
{
    g_autofree char *path = module_path();
    g_autoptr(GError) error = NULL;
    GstPlugin *plugin;

    (void)state;
    gst_init(NULL, NULL);
    plugin = gst_plugin_load_file(path, &error);
    if (plugin == NULL)
        fail_msg("%s: %s", path, error->message);
    assert_string_equal(gst_plugin_get_name(plugin), "torg");
    gst_object_unref(plugin);
    return 0;
}

static void test_module_offers_both_elements(void **state)
{
    static const char *const names[] = {"torgingestsrc", "torgfanoutsink"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GstElement) element =
            gst_object_ref_sink(gst_element_factory_make(names[i], NULL));

        assert_non_null(element);
    }
}

static void test_fanoutsink_counts_in_a_launched_pipeline(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GstElement) pipeline =
        gst_parse_launch("videotestsrc num-buffers=30 ! video/x-raw,width=160,height=90 ! "
                         "x264enc tune=zerolatency key-int-max=10 ! torgfanoutsink name=video "
                         "audiotestsrc num-buffers=40 ! opusenc ! torgfanoutsink name=audio",
                         &error);
    g_autoptr(GstElement) video = gst_bin_get_by_name(GST_BIN(pipeline), "video");
    g_autoptr(GstElement) audio = gst_bin_get_by_name(GST_BIN(pipeline), "audio");
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    g_autoptr(GstMessage) message = NULL;
    guint64 frames = 0;
    guint64 keyframes = 0;

    (void)state;
    assert_null(error);
    (void)gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered(bus, 10 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_non_null(message);
    assert_int_equal(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
    g_object_get(video, "frames", &frames, "keyframes", &keyframes, NULL);
    assert_int_equal(frames, 30);
    assert_int_equal(keyframes, 3);
    g_object_get(audio, "frames", &frames, NULL);
    assert_true(frames >= 40);
    (void)gst_element_set_state(pipeline, GST_STATE_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_offers_both_elements),
        cmocka_unit_test(test_fanoutsink_counts_in_a_launched_pipeline),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
