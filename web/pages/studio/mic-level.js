/** @file How loud the microphone is, measured in the page: 10 times a second for the meter, a second for the warnings. */

const EVERY_MS = 100;
const CLIPPED = 0.985;

export class MicLevel {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  /** @type {Float32Array<ArrayBuffer>} */
  #samples = new Float32Array(new ArrayBuffer(0));
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #second = { sum: 0, count: 0, peak: 0 };

  /** @type {(level: { rms: number, peak: number, clipped: boolean }) => void} */
  onLevel = () => {};

  /** @param {MediaStreamTrack} track */
  listen(track) {
    this.#unplug();
    if (!('AudioContext' in globalThis)) return;
    this.#context ??= new AudioContext();
    const context = this.#context;
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 4096; // 85 ms at 48 kHz: nearly nothing falls between two looks
    this.#samples = new Float32Array(new ArrayBuffer(this.#analyser.fftSize * 4));
    this.#source = context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
    this.resume();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** Browsers start sound only after a touch. */
  resume() {
    if (this.#context?.state === 'suspended') {
      this.#context.resume().catch(() => {
        // The next touch tries again.
      });
    }
  }

  /** Of the time since the last call; null while nothing was measured. */
  takeSecond() {
    const { sum, count, peak } = this.#second;
    this.#second = { sum: 0, count: 0, peak: 0 };
    return count > 0 ? { rms: Math.sqrt(sum / count), peak } : null;
  }

  stop() {
    this.#unplug();
    this.#context?.close().catch(() => {
      // Closed already.
    });
    this.#context = null;
  }

  #unplug() {
    clearInterval(this.#timer);
    this.#source?.disconnect();
    this.#source = null;
    this.#analyser = null;
  }

  #look() {
    if (!this.#analyser || this.#context?.state !== 'running') return;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    let peak = 0;
    for (const value of this.#samples) {
      sum += value * value;
      peak = Math.max(peak, Math.abs(value));
    }
    this.#second.sum += sum;
    this.#second.count += this.#samples.length;
    this.#second.peak = Math.max(this.#second.peak, peak);
    this.onLevel({ rms: Math.sqrt(sum / this.#samples.length), peak, clipped: peak >= CLIPPED });
  }
}
