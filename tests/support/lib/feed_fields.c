#include "support/lib/feed_fields.h"

#include <string.h>

/* Each '@' is within a text field; no two options are named alike. */
static const char google_xml[] =
    "<?xml version=\"1.0\"?>\n<rss xmlns:g=\"http://base.google.com/ns/1.0\"><channel>\n<item>"
    "<g:id>A1@</g:id><g:item_group_id>A@</g:item_group_id><title>Title @</title>"
    "<description>Text @</description><link>https://x.no/@</link>"
    "<g:image_link>https://x.no/@.jpg</g:image_link>"
    "<g:additional_image_link>https://x.no/b@.jpg</g:additional_image_link>"
    "<g:price>100 NOK</g:price><g:brand>Brand @</g:brand><g:mpn>Mpn @</g:mpn>"
    "<g:product_type>Home@ &gt; @ Light</g:product_type><g:color>red @</g:color>"
    "<g:size>S @</g:size><g:material>wool @</g:material><g:gender>male @</g:gender>"
    "<g:age_group>adult @</g:age_group><g:condition>new @</g:condition><g:product_detail>"
    "<g:attribute_name>Name @</g:attribute_name><g:attribute_value>Value @</g:attribute_value>"
    "</g:product_detail></item>\n<item><g:id>B1</g:id><title>Other @</title><g:price>10</g:price>"
    "<g:color>red @</g:color><g:pattern>dots @</g:pattern>"
    "<g:google_product_category>Sale @</g:google_product_category></item></channel></rss>\n";
static const char google_tsv[] =
    "id\titem_group_id\ttitle\tdescription\tlink\timage_link\tadditional_image_link\tprice\tbrand\t"
    "mpn\tproduct_type\tcolor\tsize\tmaterial\tgender\tage_group\tcondition\n"
    "\"A1@\"\t\"A@\"\t\"Title @\"\t\"Text @\"\t\"https://x.no/@\"\t\"https://x.no/@.jpg\"\t"
    "\"https://x.no/b@.jpg\"\t100 NOK\t\"Brand @\"\t\"Mpn @\"\t\"Home@ > @ Light\"\t\"red @\"\t"
    "\"S @\"\t\"wool @\"\t\"male @\"\t\"adult @\"\t\"new @\"\n";
static const char shopify[] =
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Status,Option1 Name,Option1 Value,"
    "Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Price,Image Src,"
    "Image Alt Text,Variant Image,Variant Tax Code\n"
    "\"A@\",\"Title @\",\"Text @\",\"Brand @\",\"Home@ > @ Light\",\"Type @\",\"tag @\",active,"
    "\"n1 @\",\"v1 @\",\"n2 @\",\"v2 @\",\"n3 @\",\"v3 @\",\"A1@\",100,\"https://x.no/@.jpg\","
    "\"Alt @\",\"https://x.no/@.jpg\",\"tax@\"\n";
static const char woo[] =
    "ID,Type,SKU,Name,Published,Short description,Description,Tax class,Regular price,Categories,"
    "Tags,Images,Parent,Upsells,Cross-sells,Brands,Attribute 1 name,Attribute 1 value(s),"
    "Attribute 2 name,Attribute 2 value(s)\n"
    "1,simple,\"A@\",\"Title @\",1,\"Short @\",,\"tax@\",100,\"Home@ > @ Light, Sale @\",\"tag @\","
    "\"https://x.no/@.jpg\",,\"up@\",\"cross@\",\"Brand @\",\"n1 @\",\"v1 @\",\"n2 @\",\"v2 @\"\n"
    "2,variable,\"B@\",\"Title @\",1,,\"Text @\",,,,,,,,,,,,,\n"
    "3,variation,\"B1@\",,1,,,,100,,,,id:2,,,,\"n1 @\",\"v1 @\",\"n2 @\",\"v2 @\"\n";
static const char torg[] =
    "{\"id\":\"A@\",\"title\":\"Title @\",\"description\":\"Text @\",\"brand\":\"Brand @\","
    "\"texts\":{\"nb@\":{\"title\":\"Tittel @\",\"description\":\"Tekst @\",\"options\":"
    "{\"red @\":\"raud @\"}}},\"pictures\":[{\"url\":\"https://x.no/@.jpg\",\"alt\":\"Alt @\"}],"
    "\"categories\":[\"Home @\"],\"attributes\":[{\"name\":\"n @\",\"value\":\"v @\"}],"
    "\"accessories\":[\"acc@\"],\"related\":[\"rel@\"],\"variants\":[{\"sku\":\"A1@\",\"options\":"
    "{\"n1 @\":\"v1 @\",\"n2 @\":\"v2 @\"},\"price\":100,\"tax_class\":\"tax@\",\"pictures\":"
    "[{\"url\":\"https://x.no/@.jpg\",\"alt\":\"Alt @\"}]}]}\n";

static const char *of(enum tg_feed_format format)
{
    switch (format) {
    case TG_FEED_GOOGLE_XML:
        return google_xml;
    case TG_FEED_GOOGLE_TSV:
        return google_tsv;
    case TG_FEED_SHOPIFY:
        return shopify;
    case TG_FEED_WOOCOMMERCE:
        return woo;
    case TG_FEED_TORG:
        return torg;
    case TG_FEED_AUTO:
    case TG_FEED_GOOGLE:
    case TG_FEED_FORMAT_COUNT:
        break;
    }
    return "";
}

unsigned tg_feed_fields_count(enum tg_feed_format format)
{
    unsigned count = 0;

    for (const char *at = of(format); *at != '\0'; at++)
        count += *at == '@';
    return count;
}

/* torg JSON escapes what the others have as it is. */
static void add_odd(struct tg_buf *out, enum tg_feed_format format, const char *odd)
{
    tg_buf_add_str(out, "a");
    for (; *odd != '\0'; odd++) {
        if (format == TG_FEED_TORG && (unsigned char)*odd < ' ')
            tg_buf_printf(out, "\\u%04x", (unsigned)*odd);
        else
            tg_buf_add(out, odd, 1);
    }
    tg_buf_add_str(out, "b");
}

void tg_feed_fields_make(struct tg_buf *out, enum tg_feed_format format, unsigned at,
                         const char *odd)
{
    unsigned number = 0;

    for (const char *text = of(format); *text != '\0'; text++) {
        if (*text != '@')
            tg_buf_add(out, text, 1);
        else if (number++ == at)
            add_odd(out, format, odd);
    }
}
