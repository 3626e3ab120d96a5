/**
 * @file What a host's page does on top of the desk: camera and microphone, the session to the server,
 * rehearsal, countdown, the clock, and the line's health.
 */
import { t } from '../../lib/i18n.js';
import { readSender } from '../../lib/sender-stats.js';
import { UplinkHealth } from '../../lib/uplink-health.js';
import { WhipPublisher, maxBitrate } from '../../lib/whip.js';
import { DeskStore } from '../desk/store.js';
import { canShareScreen, defaultChoice, devices, hasTorch, obstacle, openBoth, openCamera, openMicrophone, openScreen, problemOf, setTorch } from './camera.js';
import { MicLevel } from './mic-level.js';

/** @typedef {import('./camera.js').CameraChoice} CameraChoice */
/** @typedef {import('./camera.js').CameraProblem} CameraProblem */
/** @typedef {{ at: number, bps: number, rttMs: number }} LinePoint */
/** @typedef {'off' | 'asking' | 'on'} CameraState */

const COUNT_FROM = 3;
/** The uplink graph's seconds. */
const HISTORY = 60;
/** A server's word about the line older than this is not of now. */
const SERVER_FRESH_MS = 4000;
/** A show is not started on a picture that does not get through. */
const START_WAIT_MS = 15000;

export class StudioStore extends DeskStore {
  /** @type {CameraState} */
  camera = 'off';
  /** @type {CameraProblem | null} */
  cameraProblem = null;
  /** @type {CameraChoice} */
  choice = { ...defaultChoice, ...kept() };
  /** @type {{ cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[] }} */
  devices = { cameras: [], microphones: [] };
  /** What is sent, and shown as the own picture. */
  stream = new MediaStream();
  sharing = false;
  torch = false;
  torchable = false;
  micMuted = false;
  cameraOff = false;
  /** seconds left to go; 0 = no countdown */
  counting = 0;
  /** The show shall begin as soon as our picture is through. */
  starting = false;
  /** wall ms when this show went live, as far as this page knows; 0 = not live */
  onAirSince = 0;
  /** @type {LinePoint[]} */
  history = [];
  /** @type {import('../../lib/sender-stats.js').SenderSample | null} */
  sender = null;
  /** @type {import('../../lib/uplink-health.js').Warning[]} */
  warnings = [];
  /** @type {(level: { rms: number, peak: number, clipped: boolean }) => void} */
  onLevel = () => {};

  #health = new UplinkHealth();
  #mic = new MicLevel();
  /** @type {import('../../lib/sender-stats.js').Counters | null} */
  #counters = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #everySecond;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #startLimit;
  /** @type {any} */
  #wakeLock = null;
  #uplinkAt = 0;
  #closed = false;

  /** @param {string} show */
  constructor(show) {
    super(show);
    this.whip = new WhipPublisher(`/whip/${encodeURIComponent(show)}`);
    this.whip.onState = () => this.#sent();
    this.#mic.onLevel = (level) => this.onLevel(level);
    this.addEventListener('event', (event) => this.#heard(/** @type {CustomEvent} */ (event).detail));
    this.cameraProblem = obstacle();
  }

  open() {
    super.open();
    this.#everySecond = setInterval(() => void this.#tick(), 1000);
    document.addEventListener('visibilitychange', this.#visible);
    navigator.mediaDevices?.addEventListener('devicechange', this.#listDevices);
    void this.#openIfAllowed();
  }

  close() {
    super.close();
    this.#closed = true;
    clearInterval(this.#everySecond);
    clearInterval(this.#countdown);
    clearTimeout(this.#startLimit);
    document.removeEventListener('visibilitychange', this.#visible);
    navigator.mediaDevices?.removeEventListener('devicechange', this.#listDevices);
    this.whip.stop();
    this.#mic.stop();
    for (const track of this.stream.getTracks()) track.stop();
    this.#keepAwake(false);
  }

  /** Who asked before need not ask again. */
  async #openIfAllowed() {
    if (this.cameraProblem) return;
    const names = /** @type {PermissionName[]} */ (['camera', 'microphone']);
    const states = await Promise.all(names.map((name) => navigator.permissions.query({ name }))).catch(() => []);
    if (states.length === 2 && states.every(({ state }) => state === 'granted')) await this.openCamera();
  }

  /* --- devices ----------------------------------------------------------------------------------- */

  async openCamera() {
    if (this.camera === 'asking' || this.cameraProblem === 'insecure') return;
    this.camera = 'asking';
    this.cameraProblem = null;
    this.changed();
    try {
      const { video, audio } = await openBoth(this.choice);
      this.#take(video);
      if (audio) this.#take(audio);
      this.camera = 'on';
      await this.#listDevices();
    } catch (error) {
      this.camera = 'off';
      this.cameraProblem = problemOf(error);
    }
    this.changed();
  }

  #listDevices = async () => {
    this.devices = await devices();
    this.changed();
  };

  /** A new track takes the place of the old one of its kind, here and at the server. @param {MediaStreamTrack} track */
  #take(track) {
    if (this.#closed) {
      track.stop();
      return;
    }
    for (const old of this.stream.getTracks()) {
      if (old.kind !== track.kind || old === track) continue;
      old.onended = null;
      old.stop();
      this.stream.removeTrack(old);
    }
    this.stream.addTrack(track);
    track.enabled = track.kind === 'video' ? !this.cameraOff : !this.micMuted;
    track.onended = () => this.#lostTrack(track);
    if (track.kind === 'audio') this.#mic.listen(track);
    else {
      this.torchable = hasTorch(track);
      this.torch = false;
    }
    if (this.whip.active) {
      this.whip.replaceTrack(track).catch(() => {
        this.say(t('studio.device.failed'), true);
      });
    }
    this.changed();
  }

  /** The screen share was ended, or the phone took the camera for a call. @param {MediaStreamTrack} track */
  #lostTrack(track) {
    if (track.kind === 'video') {
      this.sharing = false;
      this.#reopen('video');
    } else this.#reopen('audio');
  }

  /** @param {'video' | 'audio'} kind */
  #reopen(kind) {
    if (document.hidden) return; // when the page is back
    const open = kind === 'video' ? openCamera : openMicrophone;
    open(this.choice).catch(() => open({ ...this.choice, camera: '', microphone: '' })).then((track) => this.#take(track), (error) => {
      this.say(t(`camera.${problemOf(error)}`), true);
    });
  }

  #visible = () => {
    if (document.hidden) return;
    this.#mic.resume();
    if (this.whip.active) this.#keepAwake(true);
    if (this.camera !== 'on') return;
    for (const track of this.stream.getTracks()) {
      if (track.readyState === 'ended') this.#lostTrack(track);
    }
  };

  /** @param {Partial<CameraChoice>} change */
  async choose(change) {
    const choice = { ...this.choice, ...change };
    this.choice = choice;
    keep(choice);
    this.changed();
    if (this.camera !== 'on') return;
    const sound = 'microphone' in change || 'stereo' in change;
    const picture = 'camera' in change || 'facing' in change || 'lines' in change || 'upright' in change;
    try {
      if (sound) this.#take(await openMicrophone(choice));
      if (picture && !this.sharing) {
        // A phone has its cameras one at a time: the old one goes first.
        this.stream.getVideoTracks()[0]?.stop();
        this.#take(await openCamera(choice));
      }
    } catch (error) {
      this.say(t(`camera.${problemOf(error)}`), true);
      if (picture) this.#reopen('video');
    }
    if ('lines' in change && this.whip.active) await this.whip.adjust({ maxBitrate: maxBitrate(choice.lines) });
  }

  flip() {
    const facing = this.choice.facing === 'user' ? 'environment' : 'user';
    return this.choose({ facing, camera: '' });
  }

  /** The own picture is a mirror only for the camera that looks at its owner. */
  get mirrored() {
    if (this.sharing) return false;
    const seen = this.stream.getVideoTracks()[0]?.getSettings().facingMode;
    return seen ? seen === 'user' : this.choice.facing === 'user';
  }

  get canShareScreen() {
    return canShareScreen();
  }

  async shareScreen() {
    try {
      if (this.sharing) {
        this.sharing = false;
        await this.whip.adjust({ hint: 'motion' });
        this.#take(await openCamera(this.choice));
        return;
      }
      const track = await openScreen();
      this.sharing = true;
      await this.whip.adjust({ hint: 'detail' });
      this.#take(track);
    } catch (error) {
      if (problemOf(error) !== 'blocked') this.say(t('studio.device.failed'), true);
      this.changed();
    }
  }

  async toggleTorch() {
    const track = this.stream.getVideoTracks()[0];
    if (!track) return;
    await setTorch(track, !this.torch).then(() => { this.torch = !this.torch; }, () => this.say(t('studio.device.failed'), true));
    this.changed();
  }

  toggleMic() {
    this.micMuted = !this.micMuted;
    for (const track of this.stream.getAudioTracks()) track.enabled = !this.micMuted;
    this.changed();
  }

  toggleCamera() {
    this.cameraOff = !this.cameraOff;
    for (const track of this.stream.getVideoTracks()) track.enabled = !this.cameraOff;
    this.changed();
  }

  /* --- on air ------------------------------------------------------------------------------------ */

  get #settings() {
    const { lines, simulcast, stereo } = this.choice;
    return { maxBitrate: maxBitrate(lines), simulcast, stereo, hint: /** @type {'motion' | 'detail'} */ (this.sharing ? 'detail' : 'motion') };
  }

  /** Sends the picture, whatever state the show is in. */
  publish() {
    if (this.whip.active) return;
    this.#health.reset();
    this.history = [];
    const { source } = this.model;
    void this.whip.start(new MediaStream(this.stream.getTracks()), this.#settings, source?.state === 'on' ? source.publisher : '');
  }

  /** 3, 2, 1: the line is opened meanwhile, so that the show begins with a picture. */
  goLive() {
    if (this.counting > 0 || this.starting) return;
    this.publish();
    this.counting = COUNT_FROM;
    this.changed();
    this.#countdown = setInterval(() => {
      this.counting--;
      if (this.counting <= 0) {
        clearInterval(this.#countdown);
        void this.#startShow();
      }
      this.changed();
    }, 1000);
  }

  cancelCountdown() {
    clearInterval(this.#countdown);
    clearTimeout(this.#startLimit);
    this.counting = 0;
    this.starting = false;
    if (this.model.show?.state !== 'live' && this.model.show?.state !== 'rehearsal') this.whip.stop();
    this.changed();
  }

  async #startShow() {
    if (this.model.show?.state === 'live') return;
    if (this.whip.state !== 'live') {
      // When it is through, #sent() starts the show.
      this.starting = true;
      this.#startLimit ??= setTimeout(() => {
        this.#startLimit = undefined;
        if (!this.starting) return;
        this.cancelCountdown();
        this.say(t('studio.start.failed'), true);
      }, START_WAIT_MS);
      return;
    }
    this.starting = false;
    clearTimeout(this.#startLimit);
    this.#startLimit = undefined;
    await this.act({ op: 'show.start' });
  }

  async rehearse() {
    if (!await this.act({ op: 'show.rehearse', on: true })) return;
    this.publish();
  }

  async endRehearsal() {
    this.whip.stop();
    await this.act({ op: 'show.rehearse', on: false });
  }

  /** The show stays open; viewers see the slate until somebody sends again. */
  stopSending() {
    this.whip.stop();
  }

  async endShow() {
    if (await this.act({ op: 'show.end' })) this.whip.stop();
  }

  #sent() {
    const { state } = this.whip;
    this.#keepAwake(this.whip.active);
    if (state === 'live' && this.starting) void this.#startShow();
    if ((state === 'failed' || state === 'taken-over') && (this.counting > 0 || this.starting)) this.cancelCountdown();
    if (!this.whip.active) {
      this.sender = null;
      this.#counters = null;
    }
    this.changed();
  }

  /** @param {import('../../lib/wire.js').ServerEvent} event */
  #heard(event) {
    if (event.ev === 'source') this.whip.heard(event);
    if (event.ev === 'uplink') this.#uplinkAt = performance.now();
    if (event.ev === 'joined' || event.ev === 'show') this.#followClock();
  }

  /** The channel does not say when a show began: this browser remembers when it saw it. */
  #followClock() {
    const key = `torg.on-air.${this.showId}`;
    if (this.model.show?.state !== 'live') {
      this.onAirSince = 0;
      session(key, '');
      return;
    }
    this.onAirSince ||= Number(session(key)) || Date.now();
    session(key, String(this.onAirSince));
  }

  /* --- health ------------------------------------------------------------------------------------ */

  async #tick() {
    const { whip } = this;
    const report = await whip.stats().catch(() => null);
    if (report) {
      const { sample, counters } = readSender(report.values(), performance.now(), this.#counters);
      this.#counters = counters;
      this.sender = whip.state === 'live' ? sample : null;
    }
    const fresh = performance.now() - this.#uplinkAt < SERVER_FRESH_MS;
    const server = fresh ? this.model.uplink : null;
    // Another publisher's line is shown as such, and says nothing about this phone.
    const mine = server !== null && server.publisher === whip.publisher;
    this.warnings = this.#health.input({
      sending: whip.active,
      lost: whip.state === 'reconnecting',
      maxBps: maxBitrate(this.choice.lines),
      sender: this.sender,
      mic: this.camera === 'on' ? this.#mic.takeSecond() : null,
      muted: this.camera === 'on' && this.micMuted,
      cameraOff: this.camera === 'on' && this.cameraOff,
      server: mine || !whip.active ? server : null,
    });
    this.#remember(server, mine);
    this.changed();
  }

  /**
   * @param {import('../../lib/wire.js').UplinkEvent | null} server
   * @param {boolean} mine
   */
  #remember(server, mine) {
    if (!this.whip.active && !server) return;
    const point = this.whip.active
      ? { at: Date.now(), bps: this.sender ? this.sender.videoBps + this.sender.audioBps : 0, rttMs: this.sender?.rttMs ?? -1 }
      : { at: Date.now(), bps: (server?.video_bps ?? 0) + (server?.audio_bps ?? 0), rttMs: server?.rtt_ms ?? -1 };
    if (mine && point.rttMs < 0) point.rttMs = server?.rtt_ms ?? -1;
    this.history = [...this.history, point].slice(-HISTORY);
  }

  /** @param {boolean} on */
  #keepAwake(on) {
    if (!('wakeLock' in navigator)) return;
    if (!on) {
      this.#wakeLock?.release().catch(() => {});
      this.#wakeLock = null;
      return;
    }
    if (document.hidden || (this.#wakeLock && !this.#wakeLock.released)) return;
    navigator.wakeLock.request('screen').then((lock) => {
      this.#wakeLock = lock;
    }, () => {
      // A phone that saves its battery may refuse; it only goes dark.
    });
  }
}

/** @returns {Partial<CameraChoice>} */
function kept() {
  try {
    const { lines, upright, simulcast, stereo, facing } = JSON.parse(localStorage.getItem('torg.camera') ?? '{}');
    /** @type {Partial<CameraChoice>} */
    const choice = {};
    if ([480, 720, 1080].includes(lines)) choice.lines = lines;
    if (['auto', 'portrait', 'landscape'].includes(upright)) choice.upright = upright;
    if (['user', 'environment'].includes(facing)) choice.facing = facing;
    return { ...choice, simulcast: simulcast === true, stereo: stereo === true };
  } catch {
    return {};
  }
}

/** @param {CameraChoice} choice */
function keep({ lines, upright, simulcast, stereo, facing }) {
  try {
    localStorage.setItem('torg.camera', JSON.stringify({ lines, upright, simulcast, stereo, facing }));
  } catch {
    // Then the next visit asks for the usual.
  }
}

/**
 * @param {string} key
 * @param {string} [value]
 */
function session(key, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(key) ?? '';
    if (value) sessionStorage.setItem(key, value);
    else sessionStorage.removeItem(key);
  } catch {
    // Then the clock starts with the page.
  }
  return '';
}
