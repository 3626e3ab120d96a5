// A picture without a server: a page of the browser that answers WHEP offers with a drawing.

/** Answers offers with frames of `width` × `height`. */
export async function pictureHost(browser, { width = 1280, height = 720 } = {}) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.evaluate(([w, h]) => {
    const canvas = document.createElement('canvas');
    canvas.width = w;
    canvas.height = h;
    const pen = canvas.getContext('2d');
    let n = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${n++ % 360} 30% 40%)`;
      pen.fillRect(0, 0, w, h);
      pen.fillStyle = '#fff';
      pen.fillRect((n * 7) % w, h / 3, h / 4, h / 4);
    }, 100);
    const stream = canvas.captureStream(10);
    globalThis.answer = async (sdp) => {
      const pc = new RTCPeerConnection();
      (globalThis.peers ??= []).push(pc);
      await pc.setRemoteDescription({ type: 'offer', sdp });
      for (const transceiver of pc.getTransceivers()) {
        if (transceiver.receiver.track.kind !== 'video') continue;
        await transceiver.sender.replaceTrack(stream.getVideoTracks()[0]);
        transceiver.direction = 'sendonly';
        const parameters = transceiver.sender.getParameters();
        parameters.degradationPreference = 'maintain-resolution';
        await transceiver.sender.setParameters(parameters).catch(() => {});
      }
      await pc.setLocalDescription();
      await new Promise((resolve) => {
        if (pc.iceGatheringState === 'complete') resolve();
        pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
      });
      return pc.localDescription.sdp;
    };
  }, [width, height]);
  return {
    answer: (sdp) => page.evaluate((offer) => globalThis.answer(offer), sdp),
    close: () => context.close(),
  };
}
