/** @file A publisher's getStats() as a few numbers a second. Pure. */

/**
 * @typedef {object} SenderSample
 * @property {number} at ms
 * @property {number} videoBps
 * @property {number} audioBps
 * @property {number} targetBps what the sender believes the line carries; 0 = not known
 * @property {number} fps encoded
 * @property {number} captureFps the camera's; 0 = not known
 * @property {number} captured frames of the camera so far; -1 = not known
 * @property {number} width of the best layer
 * @property {number} height
 * @property {'none' | 'cpu' | 'bandwidth' | 'other'} limited
 * @property {number} rttMs -1 = not known
 * @property {number} lossPermille -1 = not known
 */
/** @typedef {{ at: number, video: number, audio: number }} Counters */

/**
 * @param {Iterable<any>} entries the values of an RTCStatsReport
 * @param {number} at
 * @param {Counters | null} before of the reading before
 * @returns {{ sample: SenderSample, counters: Counters }}
 */
export function readSender(entries, at, before) {
  /** @type {SenderSample} */
  const sample = { at, videoBps: 0, audioBps: 0, targetBps: 0, fps: 0, captureFps: 0, captured: -1, width: 0, height: 0, limited: 'none', rttMs: -1, lossPermille: -1 };
  const counters = { at, video: 0, audio: 0 };
  for (const entry of entries) {
    if (entry.type === 'outbound-rtp') outbound(entry, sample, counters);
    else if (entry.type === 'media-source' && entry.kind === 'video') {
      sample.captureFps = entry.framesPerSecond ?? 0;
      sample.captured = entry.frames ?? -1;
    } else if (entry.type === 'remote-inbound-rtp') {
      if (entry.roundTripTime !== undefined) sample.rttMs = Math.max(sample.rttMs, Math.round(entry.roundTripTime * 1000));
      if (entry.kind === 'video' && entry.fractionLost !== undefined) sample.lossPermille = Math.max(sample.lossPermille, Math.round(entry.fractionLost * 1000));
    } else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded' && entry.currentRoundTripTime !== undefined && sample.rttMs < 0) {
      sample.rttMs = Math.round(entry.currentRoundTripTime * 1000);
    }
  }
  const seconds = before ? (at - before.at) / 1000 : 0;
  if (before && seconds > 0) {
    sample.videoBps = Math.max(0, Math.round((counters.video - before.video) * 8 / seconds));
    sample.audioBps = Math.max(0, Math.round((counters.audio - before.audio) * 8 / seconds));
  }
  return { sample, counters };
}

/**
 * @param {any} entry
 * @param {SenderSample} sample
 * @param {Counters} counters
 */
function outbound(entry, sample, counters) {
  if (entry.kind === 'audio') {
    counters.audio += entry.bytesSent ?? 0;
    return;
  }
  counters.video += entry.bytesSent ?? 0;
  sample.targetBps += entry.targetBitrate ?? 0;
  if ((entry.frameHeight ?? 0) >= sample.height) {
    sample.height = entry.frameHeight ?? 0;
    sample.width = entry.frameWidth ?? 0;
    sample.fps = entry.framesPerSecond ?? 0;
  }
  // Of several layers the worst word counts: the processor before the line.
  const order = ['none', 'other', 'bandwidth', 'cpu'];
  const limited = entry.qualityLimitationReason ?? 'none';
  if (order.indexOf(limited) > order.indexOf(sample.limited)) sample.limited = limited;
}
