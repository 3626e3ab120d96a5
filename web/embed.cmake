# tg_web_assets: the pages, compiled in. The table of files is made at build time from web/dist.
add_library(tg_web_assets INTERFACE)
