/*
 * whip_offers.h - publishers' offers, for tests: Chromium 156 (captured, three rids),
 * GStreamer 1.22 webrtcbin with max-bundle (captured), Firefox and libdatachannel (OBS) in the form
 * that they make, and the example of RFC 9725 s4.2.
 */
#ifndef TG_TESTS_WHIP_OFFERS_H
#define TG_TESTS_WHIP_OFFERS_H

/* clang-format off */
static const char *const chromium_lines[] = {
    "v=0\r\n",
    "o=- 6059097881136066531 2 IN IP4 127.0.0.1\r\n",
    "s=-\r\n",
    "t=0 0\r\n",
    "a=group:BUNDLE 0 1\r\n",
    "a=extmap-allow-mixed\r\n",
    "a=msid-semantic: WMS 9a36e9b4-4212-4f3b-8abc-7e0272a65f1a\r\n",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n",
    "c=IN IP4 0.0.0.0\r\n",
    "a=rtcp:9 IN IP4 0.0.0.0\r\n",
    "a=ice-ufrag:0lDg\r\n",
    "a=ice-pwd:hTR5svQp6qeDLzgwHb68OsE3\r\n",
    "a=ice-options:trickle\r\n",
    "a=fingerprint:sha-256 1C:F9:0E:63:1D:60:FA:1B:D9:7C:46:18:84:D2:96:79:9A:FC:69:B7:D4:26:05:72:01:FB:2F:D9:3F:66:42:FF\r\n",
    "a=setup:actpass\r\n",
    "a=mid:0\r\n",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n",
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
    "a=sendonly\r\n",
    "a=msid:9a36e9b4-4212-4f3b-8abc-7e0272a65f1a 894aa034-793d-4085-8ff5-5bc7f9b9d3af\r\n",
    "a=rtcp-mux\r\n",
    "a=rtcp-rsize\r\n",
    "a=rtcp-xr:rcvr-rtt=all\r\n",
    "a=rtpmap:111 opus/48000/2\r\n",
    "a=rtcp-fb:111 transport-cc\r\n",
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n",
    "a=rtpmap:63 red/48000/2\r\n",
    "a=fmtp:63 111/111\r\n",
    "a=rtpmap:9 G722/8000\r\n",
    "a=rtpmap:0 PCMU/8000\r\n",
    "a=rtpmap:8 PCMA/8000\r\n",
    "a=rtpmap:13 CN/8000\r\n",
    "a=rtpmap:110 telephone-event/48000\r\n",
    "a=rtpmap:126 telephone-event/8000\r\n",
    "a=ssrc:4263831424 cname:1iarHIJr/zi5sEN1\r\n",
    "a=ssrc:4263831424 msid:9a36e9b4-4212-4f3b-8abc-7e0272a65f1a 894aa034-793d-4085-8ff5-5bc7f9b9d3af\r\n",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 107 108 109 114 115 116 117 39 40 45 46 98 99 100 101 118 119 120\r\n",
    "c=IN IP4 0.0.0.0\r\n",
    "a=rtcp:9 IN IP4 0.0.0.0\r\n",
    "a=ice-ufrag:0lDg\r\n",
    "a=ice-pwd:hTR5svQp6qeDLzgwHb68OsE3\r\n",
    "a=ice-options:trickle\r\n",
    "a=fingerprint:sha-256 1C:F9:0E:63:1D:60:FA:1B:D9:7C:46:18:84:D2:96:79:9A:FC:69:B7:D4:26:05:72:01:FB:2F:D9:3F:66:42:FF\r\n",
    "a=setup:actpass\r\n",
    "a=mid:1\r\n",
    "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n",
    "a=extmap:13 urn:3gpp:video-orientation\r\n",
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n",
    "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n",
    "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type\r\n",
    "a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing\r\n",
    "a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space\r\n",
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n",
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n",
    "a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n",
    "a=extmap:9 http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00\r\n",
    "a=sendonly\r\n",
    "a=msid:9a36e9b4-4212-4f3b-8abc-7e0272a65f1a d788c87a-3cf7-4c4b-ba29-f9f71c5b888e\r\n",
    "a=rtcp-mux\r\n",
    "a=rtcp-rsize\r\n",
    "a=rtcp-xr:rcvr-rtt=all\r\n",
    "a=rtpmap:96 VP8/90000\r\n",
    "a=rtcp-fb:96 goog-remb\r\n",
    "a=rtcp-fb:96 transport-cc\r\n",
    "a=rtcp-fb:96 ccm fir\r\n",
    "a=rtcp-fb:96 nack\r\n",
    "a=rtcp-fb:96 nack pli\r\n",
    "a=rtpmap:97 rtx/90000\r\n",
    "a=fmtp:97 apt=96\r\n",
    "a=rtpmap:102 H264/90000\r\n",
    "a=rtcp-fb:102 goog-remb\r\n",
    "a=rtcp-fb:102 transport-cc\r\n",
    "a=rtcp-fb:102 ccm fir\r\n",
    "a=rtcp-fb:102 nack\r\n",
    "a=rtcp-fb:102 nack pli\r\n",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n",
    "a=rtpmap:103 rtx/90000\r\n",
    "a=fmtp:103 apt=102\r\n",
    "a=rtpmap:104 H264/90000\r\n",
    "a=rtcp-fb:104 goog-remb\r\n",
    "a=rtcp-fb:104 transport-cc\r\n",
    "a=rtcp-fb:104 ccm fir\r\n",
    "a=rtcp-fb:104 nack\r\n",
    "a=rtcp-fb:104 nack pli\r\n",
    "a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f\r\n",
    "a=rtpmap:107 rtx/90000\r\n",
    "a=fmtp:107 apt=104\r\n",
    "a=rtpmap:108 H264/90000\r\n",
    "a=rtcp-fb:108 goog-remb\r\n",
    "a=rtcp-fb:108 transport-cc\r\n",
    "a=rtcp-fb:108 ccm fir\r\n",
    "a=rtcp-fb:108 nack\r\n",
    "a=rtcp-fb:108 nack pli\r\n",
    "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n",
    "a=rtpmap:109 rtx/90000\r\n",
    "a=fmtp:109 apt=108\r\n",
    "a=rtpmap:114 H264/90000\r\n",
    "a=rtcp-fb:114 goog-remb\r\n",
    "a=rtcp-fb:114 transport-cc\r\n",
    "a=rtcp-fb:114 ccm fir\r\n",
    "a=rtcp-fb:114 nack\r\n",
    "a=rtcp-fb:114 nack pli\r\n",
    "a=fmtp:114 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\n",
    "a=rtpmap:115 rtx/90000\r\n",
    "a=fmtp:115 apt=114\r\n",
    "a=rtpmap:116 H264/90000\r\n",
    "a=rtcp-fb:116 goog-remb\r\n",
    "a=rtcp-fb:116 transport-cc\r\n",
    "a=rtcp-fb:116 ccm fir\r\n",
    "a=rtcp-fb:116 nack\r\n",
    "a=rtcp-fb:116 nack pli\r\n",
    "a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n",
    "a=rtpmap:117 rtx/90000\r\n",
    "a=fmtp:117 apt=116\r\n",
    "a=rtpmap:39 H264/90000\r\n",
    "a=rtcp-fb:39 goog-remb\r\n",
    "a=rtcp-fb:39 transport-cc\r\n",
    "a=rtcp-fb:39 ccm fir\r\n",
    "a=rtcp-fb:39 nack\r\n",
    "a=rtcp-fb:39 nack pli\r\n",
    "a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f\r\n",
    "a=rtpmap:40 rtx/90000\r\n",
    "a=fmtp:40 apt=39\r\n",
    "a=rtpmap:45 AV1/90000\r\n",
    "a=rtcp-fb:45 goog-remb\r\n",
    "a=rtcp-fb:45 transport-cc\r\n",
    "a=rtcp-fb:45 ccm fir\r\n",
    "a=rtcp-fb:45 nack\r\n",
    "a=rtcp-fb:45 nack pli\r\n",
    "a=fmtp:45 level-idx=5;profile=0;tier=0\r\n",
    "a=rtpmap:46 rtx/90000\r\n",
    "a=fmtp:46 apt=45\r\n",
    "a=rtpmap:98 VP9/90000\r\n",
    "a=rtcp-fb:98 goog-remb\r\n",
    "a=rtcp-fb:98 transport-cc\r\n",
    "a=rtcp-fb:98 ccm fir\r\n",
    "a=rtcp-fb:98 nack\r\n",
    "a=rtcp-fb:98 nack pli\r\n",
    "a=fmtp:98 profile-id=0\r\n",
    "a=rtpmap:99 rtx/90000\r\n",
    "a=fmtp:99 apt=98\r\n",
    "a=rtpmap:100 VP9/90000\r\n",
    "a=rtcp-fb:100 goog-remb\r\n",
    "a=rtcp-fb:100 transport-cc\r\n",
    "a=rtcp-fb:100 ccm fir\r\n",
    "a=rtcp-fb:100 nack\r\n",
    "a=rtcp-fb:100 nack pli\r\n",
    "a=fmtp:100 profile-id=2\r\n",
    "a=rtpmap:101 rtx/90000\r\n",
    "a=fmtp:101 apt=100\r\n",
    "a=rtpmap:118 red/90000\r\n",
    "a=rtpmap:119 rtx/90000\r\n",
    "a=fmtp:119 apt=118\r\n",
    "a=rtpmap:120 ulpfec/90000\r\n",
    "a=rid:low send\r\n",
    "a=rid:mid send\r\n",
    "a=rid:high send\r\n",
    "a=simulcast:send low;mid;high\r\n",
};

static const char webrtcbin_offer[] =
    "v=0\r\n"
    "o=- 5652841662782462029 0 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=ice-options:trickle\r\n"
    "a=group:BUNDLE video0 audio1\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=setup:actpass\r\n"
    "a=ice-ufrag:0iD4Zz2S3FI3eoMVCn80t26q+c38QEsx\r\n"
    "a=ice-pwd:3i+6IBHfpn5RdX56r3BY8KGQEPrq72bh\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=sendrecv\r\n"
    "a=rtpmap:96 H264/90000\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtcp-fb:96 ccm fir\r\n"
    "a=rtcp-fb:96 transport-cc\r\n"
    "a=framerate:30\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtkAoC/5cBagwMDUoAAAAwAgAAAHkeLFyQ==,aMuMsg==;profile-level-id=42c01e;level-asymmetry-allowed=1\r\n"
    "a=ssrc:2308609948 msid:user3905313329@host webrtctransceiver0\r\n"
    "a=ssrc:2308609948 cname:user3905313329@host\r\n"
    "a=mid:video0\r\n"
    "a=fingerprint:sha-256 BF:86:A3:42:4F:A6:F5:89:E0:22:28:7A:47:AA:67:9E:40:4A:B5:AB:93:75:61:90:7A:9C:6C:46:C7:7F:97:94\r\n"
    "a=rtcp-mux-only\r\n"
    "m=audio 0 UDP/TLS/RTP/SAVPF 97\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=setup:actpass\r\n"
    "a=ice-ufrag:0iD4Zz2S3FI3eoMVCn80t26q+c38QEsx\r\n"
    "a=ice-pwd:3i+6IBHfpn5RdX56r3BY8KGQEPrq72bh\r\n"
    "a=bundle-only\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=sendrecv\r\n"
    "a=rtpmap:97 OPUS/48000/2\r\n"
    "a=rtcp-fb:97 transport-cc\r\n"
    "a=fmtp:97 sprop-stereo=0;sprop-maxcapturerate=48000\r\n"
    "a=ssrc:1302781777 msid:user3905313329@host webrtctransceiver1\r\n"
    "a=ssrc:1302781777 cname:user3905313329@host\r\n"
    "a=mid:audio1\r\n"
    "a=fingerprint:sha-256 BF:86:A3:42:4F:A6:F5:89:E0:22:28:7A:47:AA:67:9E:40:4A:B5:AB:93:75:61:90:7A:9C:6C:46:C7:7F:97:94\r\n"
    "a=rtcp-mux-only\r\n";

static const char firefox_offer[] =
    "v=0\r\n"
    "o=mozilla...THIS_IS_SDPARTA-99.0 8206104236171153345 0 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=fingerprint:sha-256 5B:2F:EC:9A:55:1B:39:5C:CB:53:17:6B:B4:8A:B2:5F:42:1B:5E:3A:2B:37:37:53:C1:06:22:CD:A3:A1:0B:71\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=ice-options:trickle\r\n"
    "a=msid-semantic:WMS *\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=sendonly\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n"
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n"
    "a=fmtp:101 0-15\r\n"
    "a=ice-pwd:d3ba3d7ae1a2a3d6d0e2a3bd95f3a6a1\r\n"
    "a=ice-ufrag:3a8b0c2d\r\n"
    "a=mid:0\r\n"
    "a=msid:{5dd40d5c-ac0b-4ed5-a4a5-5d0e7f1f2d34} {3d9a10a4-63d6-4b3f-9c5c-1c2d3e4f5a6b}\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:109 opus/48000/2\r\n"
    "a=rtpmap:9 G722/8000/1\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000/1\r\n"
    "a=setup:actpass\r\n"
    "a=ssrc:1443092170 cname:{8f1f2d34-63d6-4b3f-9c5c-1c2d3e4f5a6b}\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 98\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=sendonly\r\n"
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=extmap:5 urn:ietf:params:rtp-hdrext:toffset\r\n"
    "a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
    "a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:8/sendonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:9/sendonly urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
    "a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1\r\n"
    "a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1\r\n"
    "a=fmtp:120 max-fs=12288;max-fr=60\r\n"
    "a=fmtp:124 apt=120\r\n"
    "a=fmtp:121 max-fs=12288;max-fr=60\r\n"
    "a=fmtp:125 apt=121\r\n"
    "a=fmtp:127 apt=126\r\n"
    "a=fmtp:98 apt=97\r\n"
    "a=ice-pwd:d3ba3d7ae1a2a3d6d0e2a3bd95f3a6a1\r\n"
    "a=ice-ufrag:3a8b0c2d\r\n"
    "a=mid:1\r\n"
    "a=msid:{5dd40d5c-ac0b-4ed5-a4a5-5d0e7f1f2d34} {7e0272a6-c01c-4b77-8a3e-a63ea45b2d80}\r\n"
    "a=rid:hi send\r\n"
    "a=rid:lo send\r\n"
    "a=rtcp-fb:120 nack\r\n"
    "a=rtcp-fb:120 nack pli\r\n"
    "a=rtcp-fb:120 ccm fir\r\n"
    "a=rtcp-fb:120 goog-remb\r\n"
    "a=rtcp-fb:120 transport-cc\r\n"
    "a=rtcp-fb:126 nack\r\n"
    "a=rtcp-fb:126 nack pli\r\n"
    "a=rtcp-fb:126 ccm fir\r\n"
    "a=rtcp-fb:126 goog-remb\r\n"
    "a=rtcp-fb:126 transport-cc\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:120 VP8/90000\r\n"
    "a=rtpmap:124 rtx/90000\r\n"
    "a=rtpmap:121 VP9/90000\r\n"
    "a=rtpmap:125 rtx/90000\r\n"
    "a=rtpmap:126 H264/90000\r\n"
    "a=rtpmap:127 rtx/90000\r\n"
    "a=rtpmap:97 H264/90000\r\n"
    "a=rtpmap:98 rtx/90000\r\n"
    "a=setup:actpass\r\n"
    "a=simulcast:send hi;lo\r\n"
    "a=ssrc:2047316711 cname:{8f1f2d34-63d6-4b3f-9c5c-1c2d3e4f5a6b}\r\n"
    "a=ssrc:3191520416 cname:{8f1f2d34-63d6-4b3f-9c5c-1c2d3e4f5a6b}\r\n";

static const char libdatachannel_offer[] =
    "v=0\r\n"
    "o=rtc 3767197920 0 IN IP4 127.0.0.1\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=group:LS 0 1\r\n"
    "a=msid-semantic:WMS *\r\n"
    "a=setup:actpass\r\n"
    "a=ice-ufrag:jP2q\r\n"
    "a=ice-pwd:4bnMoCbFYbFwwRzNVrT2ez\r\n"
    "a=ice-options:ice2,trickle\r\n"
    "a=fingerprint:sha-256 8E:41:7B:1C:5F:22:9E:0D:6A:33:C4:71:90:BB:0F:28:AD:15:E0:64:9C:3F:52:A8:17:DB:86:4E:2A:91:F0:3D\r\n"
    "m=audio 41234 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 192.0.2.40\r\n"
    "a=mid:0\r\n"
    "a=sendonly\r\n"
    "a=ssrc:1380971425 cname:obsstream\r\n"
    "a=ssrc:1380971425 msid:obsstream obsstream-audio\r\n"
    "a=msid:obsstream obsstream-audio\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1\r\n"
    "a=candidate:1 1 UDP 2122317823 192.0.2.40 41234 typ host\r\n"
    "a=end-of-candidates\r\n"
    "m=video 41234 UDP/TLS/RTP/SAVPF 96\r\n"
    "c=IN IP4 192.0.2.40\r\n"
    "a=mid:1\r\n"
    "a=sendonly\r\n"
    "a=ssrc:1380971426 cname:obsstream\r\n"
    "a=ssrc:1380971426 msid:obsstream obsstream-video\r\n"
    "a=msid:obsstream obsstream-video\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:96 H264/90000\r\n"
    "a=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtcp-fb:96 goog-remb\r\n"
    "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1\r\n";

static const char rfc9725_offer[] =
    "v=0\r\n"
    "o=- 5228595038118931041 2 IN IP4 127.0.0.1\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=ice-options:trickle ice2\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n"
    "a=fingerprint:sha-256 DA:7B:57:DC:28:CE:04:4F:31:79:85:C4:31:67:EB:27:58:29:ED:77:2A:0D:24:AE:ED:AD:30:BC:BD:F1:9C:02\r\n"
    "a=setup:actpass\r\n"
    "a=mid:0\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=sendonly\r\n"
    "a=msid:d46fb922-d52a-4e9c-aa87-444eadc1521b ce326ecf-a081-453a-8f9f-0605d5ef4128\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-mux-only\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n"
    "a=mid:1\r\n"
    "a=bundle-only\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
    "a=sendonly\r\n"
    "a=msid:d46fb922-d52a-4e9c-aa87-444eadc1521b 3956b460-40f4-4d05-acef-03abcdd8c6fd\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "a=rtcp-fb:96 ccm fir\r\n"
    "a=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\n"
    "a=rtpmap:97 rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\n";

/* clang-format on */

#endif
