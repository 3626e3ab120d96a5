/** @file The host's camera, microphone and screen: asks the browser for them, and says in one word why not. */

/**
 * insecure: a page over plain http may not ask. ended: the phone took the camera away (a call).
 * @typedef {'insecure' | 'unsupported' | 'blocked' | 'no-camera' | 'busy' | 'failed'} CameraProblem
 */
/** @typedef {'auto' | 'portrait' | 'landscape'} Upright */
/**
 * @typedef {object} CameraChoice
 * @property {string} camera device id, "" = by `facing`
 * @property {string} microphone device id, "" = the browser's own choice
 * @property {'user' | 'environment'} facing
 * @property {480 | 720 | 1080} lines
 * @property {Upright} upright
 * @property {boolean} simulcast
 * @property {boolean} stereo
 */

/** @type {CameraChoice} */
export const defaultChoice = { camera: '', microphone: '', facing: 'user', lines: 720, upright: 'auto', simulcast: false, stereo: false };

/** Whether this browser in this place can have a camera at all.
 * @returns {CameraProblem | null}
 */
export function obstacle() {
  if (!isSecureContext) return 'insecure';
  if (!navigator.mediaDevices || typeof navigator.mediaDevices.getUserMedia !== 'function' || !('RTCPeerConnection' in globalThis)) return 'unsupported';
  return null;
}

/** @param {unknown} error @returns {CameraProblem} */
export function problemOf(error) {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError': case 'SecurityError': return 'blocked';
    case 'NotFoundError': case 'OverconstrainedError': return 'no-camera';
    case 'NotReadableError': case 'AbortError': return 'busy';
    default: return 'failed';
  }
}

/** @param {CameraChoice} choice */
function videoWanted({ camera, facing, lines, upright }) {
  const [width, height] = size(lines, upright);
  return { ...(camera ? { deviceId: { exact: camera } } : { facingMode: { ideal: facing } }), width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30, max: 30 } };
}

/**
 * @param {number} lines
 * @param {Upright} upright
 */
function size(lines, upright) {
  const long = Math.round(lines * 16 / 9 / 2) * 2;
  return upright === 'portrait' ? [lines, long] : [long, lines];
}

/** @param {CameraChoice} choice */
function audioWanted({ microphone, stereo }) {
  return {
    ...(microphone ? { deviceId: { exact: microphone } } : {}),
    // Music and a mixer's output want to be left alone; a voice in a back room does not.
    echoCancellation: !stereo, noiseSuppression: !stereo, autoGainControl: !stereo, channelCount: { ideal: stereo ? 2 : 1 },
  };
}

/** @param {CameraChoice} choice */
export async function openCamera(choice) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: videoWanted(choice) });
  const track = /** @type {MediaStreamTrack} */ (stream.getVideoTracks()[0]);
  await turnUpright(track, choice);
  return track;
}

/** @param {CameraChoice} choice */
export async function openMicrophone(choice) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: audioWanted(choice) });
  return /** @type {MediaStreamTrack} */ (stream.getAudioTracks()[0]);
}

/**
 * Both with one question to the person. A missing device or a chosen one that is gone does not cost
 * the other.
 * @param {CameraChoice} choice
 * @returns {Promise<{ video: MediaStreamTrack, audio: MediaStreamTrack | null }>}
 */
export async function openBoth(choice) {
  const { mediaDevices } = navigator;
  const stream = await mediaDevices.getUserMedia({ video: videoWanted(choice), audio: audioWanted(choice) }).catch((error) => {
    if (problemOf(error) !== 'no-camera') throw error;
    const plain = { ...choice, camera: '', microphone: '' };
    return mediaDevices.getUserMedia({ video: videoWanted(plain), audio: audioWanted(plain) }).catch(() => mediaDevices.getUserMedia({ video: videoWanted(plain) }));
  });
  const video = /** @type {MediaStreamTrack} */ (stream.getVideoTracks()[0]);
  await turnUpright(video, choice);
  return { video, audio: stream.getAudioTracks()[0] ?? null };
}

/**
 * Some browsers take width and height before, some after turning the phone: when the picture lies the
 * wrong way, ask the other way round once.
 * @param {MediaStreamTrack} track
 * @param {CameraChoice} choice
 */
async function turnUpright(track, { lines, upright }) {
  if (upright === 'auto') return;
  const { width = 0, height = 0 } = track.getSettings();
  if (width === 0 || (height > width) === (upright === 'portrait')) return;
  const [w, h] = size(lines, upright);
  await track.applyConstraints({ width: { ideal: h }, height: { ideal: w } }).catch(() => {
    // Then it stays as the camera sees it.
  });
}

/** The screen, a window or a tab; the person picks. */
export async function openScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 30, max: 30 } }, audio: false });
  return /** @type {MediaStreamTrack} */ (stream.getVideoTracks()[0]);
}

export function canShareScreen() {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** Devices by kind; they have names only after the person has said yes. */
export async function devices() {
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const named = all.filter(({ deviceId }) => deviceId !== '');
  return { cameras: named.filter(({ kind }) => kind === 'videoinput'), microphones: named.filter(({ kind }) => kind === 'audioinput') };
}

/** @param {MediaStreamTrack | null} track */
export function hasTorch(track) {
  return Boolean(track && 'getCapabilities' in track && /** @type {any} */ (track.getCapabilities()).torch);
}

/**
 * @param {MediaStreamTrack} track
 * @param {boolean} on
 */
export function setTorch(track, on) {
  return track.applyConstraints({ advanced: [/** @type {any} */ ({ torch: on })] });
}
