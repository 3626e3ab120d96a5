/*
 * The demo's catalogue in Norwegian bokmål and Swedish, as torg's own feed format has it: one
 * document a product with the member `texts`.
 */
#include "base/macros.h"
#include "store/demo_priv.h"

#define WORD(word_, in_language_) "\"" word_ "\":\"" in_language_ "\""
#define AND ","
#define LANG(lang_, title_, description_, words_)                                                  \
    "\"" lang_ "\":{\"title\":\"" title_ "\",\"description\":\"" description_                      \
    "\",\"options\":{" words_ "}}"
#define TEXTS(nb_, sv_) "{\"texts\":{" nb_ "," sv_ "}}"
#define NB(title_, description_, words_) LANG("nb", title_, description_, words_)
#define SV(title_, description_, words_) LANG("sv", title_, description_, words_)

#define SIZE_NB WORD("size", "størrelse")
#define SIZE_SV WORD("size", "storlek")
#define COLOR_NB WORD("color", "farge")
#define COLOR_SV WORD("color", "färg")
#define WHITE_NB WORD("white", "hvit")
#define WHITE_SV WORD("white", "vit")
#define GREEN_NB WORD("green", "grønn")
#define GREEN_SV WORD("green", "grön")
#define RED_NB WORD("red", "rød")
#define RED_SV WORD("red", "röd")
#define BLUE_NB WORD("blue", "blå")
#define BLUE_SV WORD("blue", "blå")

static const struct tg_demo_texts texts[] = {
    {"wool-sweater",
     TEXTS(NB("Ullgenser Varde",
              "Varm genser med rund hals i ubehandlet norsk ull, strikket i ett stykke så ingen "
              "sømmer gnager.",
              SIZE_NB AND COLOR_NB AND WORD("grey", "grå") AND BLUE_NB),
           SV("Ylletröja Varde",
              "Varm tröja med rund hals i obehandlad norsk ull, stickad i ett stycke så att inga "
              "sömmar skaver.",
              SIZE_SV AND COLOR_SV AND WORD("grey", "grå") AND BLUE_SV))},
    {"enamel-mug",
     TEXTS(NB("Emaljekopp Bål",
              "Stålkopp med tykk emalje, 3,5 dl. Tåler både bålet og oppvaskmaskinen.",
              COLOR_NB AND WHITE_NB AND GREEN_NB AND RED_NB),
           SV("Emaljmugg Bål",
              "Stålmugg med tjock emalj, 3,5 dl. Tål både lägerelden och diskmaskinen.",
              COLOR_SV AND WHITE_SV AND GREEN_SV AND RED_SV))},
    {"sheepskin",
     TEXTS(NB("Saueskinn Saue",
              "Mykt, langhåret skinn fra gotlandssau. Ingen er like, og dette er det siste.", ""),
           SV("Fårskinn Saue",
              "Mjukt, långhårigt skinn från gotlandsfår. Inget är det andra likt, och det här är "
              "det sista.",
              ""))},
    {"beeswax-candle",
     TEXTS(NB("Bivokslys", "Hånddyppet par av ren bivoks som brenner i ni timer uten å dryppe.",
              WORD("pack", "pakke à")),
           SV("Bivaxljus", "Handdoppat par av rent bivax som brinner i nio timmar utan att droppa.",
              WORD("pack", "förpackning om")))},
    {"headlamp",
     TEXTS(NB("Hodelykt Nattur", "400 lumen, USB-C og rødt lys til hytta. 92 gram med batteriet i.",
              ""),
           SV("Pannlampa Nattur",
              "400 lumen, USB-C och rött ljus till stugan. 92 gram med batteriet i.", ""))},
    {"rain-jacket",
     TEXTS(NB("Regnjakke Skodde",
              "Trelags skalljakke med tapede sømmer og lufting under armene, av resirkulert nylon.",
              SIZE_NB AND COLOR_NB AND WORD("yellow", "gul") AND WORD("navy", "marineblå")),
           SV("Regnjacka Skodde",
              "Trelagers skaljacka med tejpade sömmar och ventilation under armarna, av återvunnen "
              "nylon.",
              SIZE_SV AND COLOR_SV AND WORD("yellow", "gul") AND WORD("navy", "marinblå")))},
    {"ski-socks",
     TEXTS(NB("Skisokker Spor", "Merinoull med polstret legg; tørre igjen til neste morgen.",
              SIZE_NB),
           SV("Skidstrumpor Spor", "Merinoull med vadderat smalben; torra igen till nästa morgon.",
              SIZE_SV))},
    {"coffee-beans",
     TEXTS(NB("Kaffe Fjordbrent",
              "Lysbrent nordisk kaffe fra Etiopia: bergamott og aprikos. 500 g, brent denne uka.",
              WORD("grind", "maling") AND WORD("whole bean", "hele bønner")
                  AND WORD("filter", "filtermalt")),
           SV("Kaffe Fjordrost",
              "Ljusrostat nordiskt kaffe från Etiopien: bergamott och aprikos. 500 g, rostat den "
              "här veckan.",
              WORD("grind", "malning") AND WORD("whole bean", "hela bönor")
                  AND WORD("filter", "bryggmalet")))},
    {"thermos", TEXTS(NB("Termos Varm", "En liter stål som holder kaffen varm i 24 timer.",
                         COLOR_NB AND GREEN_NB AND WORD("sand", "sandfarget")),
                      SV("Termos Varm", "En liter stål som håller kaffet varmt i 24 timmar.",
                         COLOR_SV AND GREEN_SV AND WORD("sand", "sandfärgad")))},
    {"desk-lamp",
     TEXTS(NB("Skrivebordslampe Lykt",
              "Eik og trykkdreid stål med varmt lys som kan dimmes. Tegnet i Bergen.",
              COLOR_NB AND WHITE_NB AND WORD("black", "svart")),
           SV("Skrivbordslampa Lykt",
              "Ek och trycksvarvat stål med varmt ljus som kan dimmas. Ritad i Bergen.",
              COLOR_SV AND WHITE_SV AND WORD("black", "svart")))},
    {"carving-knife",
     TEXTS(NB("Spikkekniv Spikke",
              "Laminert stål, skaft av valbjørk og slire av lær. Skarp rett fra esken.", ""),
           SV("Täljkniv Spikke",
              "Laminerat stål, skaft av masurbjörk och slida av läder. Vass direkt ur asken.",
              ""))},
    {"wool-blanket",
     TEXTS(NB("Ullpledd Ro", "130 x 200 cm børstet lammeull, vevd på gamle vevstoler i Innvik.",
              COLOR_NB AND BLUE_NB AND RED_NB),
           SV("Ullpläd Ro", "130 x 200 cm borstad lammull, vävd i gamla vävstolar i Innvik.",
              COLOR_SV AND BLUE_SV AND RED_SV))},
};

const struct tg_demo_texts *tg_demo_texts(size_t *ret_count)
{
    *ret_count = TG_ARRAY_LEN(texts);
    return texts;
}
