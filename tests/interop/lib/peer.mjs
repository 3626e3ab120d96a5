// A real browser's peer connection, driven from outside: the suite does the HTTP itself, so every
// header is seen, and the page holds the connection.
import { launchBrowser } from '../../e2e/lib/browser.mjs';

/** Runs in the page. */
function install() {
  const peers = new Map();
  let next = 1;
  const tone = () => {
    const audio = new AudioContext();
    const oscillator = audio.createOscillator();
    const out = audio.createMediaStreamDestination();
    oscillator.connect(out);
    oscillator.start();
    return out.stream.getAudioTracks()[0];
  };
  const picture = () => {
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const draw = canvas.getContext('2d');
    let n = 0;
    setInterval(() => {
      n++;
      draw.fillStyle = `hsl(${n % 360} 60% 50%)`;
      draw.fillRect(0, 0, 640, 360);
      draw.fillStyle = 'white';
      draw.fillRect((n * 7) % 640, (n * 3) % 360, 60, 60);
    }, 33);
    return canvas.captureStream(30).getVideoTracks()[0];
  };
  window.peers = {
    async offer(way, simulcast) {
      const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      if (way === 'send') {
        const stream = new MediaStream([tone(), picture()]);
        const sendEncodings = simulcast ? [{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }] : undefined;
        pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] });
        pc.addTransceiver(stream.getVideoTracks()[0], { direction: 'sendonly', streams: [stream], ...(sendEncodings ? { sendEncodings } : {}) });
      } else {
        pc.addTransceiver('audio', { direction: 'recvonly' });
        pc.addTransceiver('video', { direction: 'recvonly' });
        pc.ontrack = ({ track }) => {
          const element = document.createElement(track.kind);
          element.muted = true;
          element.autoplay = true;
          element.srcObject = new MediaStream([track]);
          document.body.append(element);
        };
      }
      await pc.setLocalDescription();
      const id = next++;
      peers.set(id, pc);
      return { id, sdp: pc.localDescription.sdp };
    },
    async answer(id, sdp) {
      await peers.get(id).setRemoteDescription({ type: 'answer', sdp });
    },
    async restart(id) {
      const pc = peers.get(id);
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
      return pc.localDescription.sdp;
    },
    state(id) {
      const pc = peers.get(id);
      const dtls = [...pc.getSenders(), ...pc.getReceivers()].map((x) => x.transport?.state).find(Boolean);
      return { connection: pc.connectionState, ice: pc.iceConnectionState, dtls: dtls ?? 'new' };
    },
    async stats(id) {
      const out = { video: {}, audio: {} };
      for (const s of (await peers.get(id).getStats()).values()) {
        if (s.type === 'inbound-rtp') Object.assign(out[s.kind], { packetsReceived: s.packetsReceived, framesDecoded: s.framesDecoded });
        if (s.type === 'outbound-rtp') Object.assign(out[s.kind], { packetsSent: (out[s.kind].packetsSent ?? 0) + s.packetsSent });
        if (s.type === 'remote-inbound-rtp') Object.assign(out[s.kind], { reports: (out[s.kind].reports ?? 0) + 1, packetsLost: s.packetsLost });
      }
      return out;
    },
    close(id) {
      peers.get(id)?.close();
      peers.delete(id);
    },
  };
}

export class Peers {
  static async open({ insecure = false } = {}) {
    const peers = new Peers();
    peers.browser = await launchBrowser();
    const context = await peers.browser.newContext({ ignoreHTTPSErrors: insecure });
    peers.page = await context.newPage();
    await peers.page.evaluate(install);
    return peers;
  }

  call(name, ...args) {
    return this.page.evaluate(([method, values]) => window.peers[method](...values), [name, args]);
  }

  /** @param {'send' | 'recv'} way */
  offer(way, simulcast = false) {
    return this.call('offer', way, simulcast);
  }

  /** Polls until `test` holds of the page's look; undefined when it never does. */
  async until(look, test, timeoutMs) {
    for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
      const now = await look();
      if (test(now)) return now;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return undefined;
  }

  close() {
    return this.browser.close();
  }
}
