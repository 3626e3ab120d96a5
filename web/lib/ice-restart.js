/** @file One ICE restart of a WHIP or WHEP session by PATCH, after the network under us has changed. */
import { restartFragment, withFragment } from './sdp.js';

/**
 * @param {RTCPeerConnection} pc in a stable state
 * @param {string} resource
 * @param {{ headers?: Record<string, string>, timeoutMs?: number }} [options]
 * @returns {Promise<boolean>} false: the session cannot be restarted; begin a new one
 */
export async function restartIce(pc, resource, { headers = {}, timeoutMs = 4000 } = {}) {
  const answer = pc.remoteDescription?.sdp;
  if (!answer || !resource || pc.signalingState !== 'stable') return false;
  try {
    const offer = await pc.createOffer({ iceRestart: true });
    await pc.setLocalDescription(offer);
    const body = restartFragment(offer.sdp ?? '');
    if (!body) return false;
    const response = await fetch(resource, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '"*"', ...headers },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) return false;
    const renewed = withFragment(answer, await response.text());
    if (!renewed) return false;
    await pc.setRemoteDescription({ type: 'answer', sdp: renewed });
    return true;
  } catch {
    return false; // no answer, or a description that the browser does not take
  }
}
