import { html, nothing } from 'lit';
import { region, t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-uplink.shadow.css';

/** @typedef {{ at: number, bps: number, rttMs: number }} LinePoint */

const SECONDS = 60;

/** The host's line: what it carries, how long a word takes, and the last minute as a curve. */
export class TorgUplink extends TorgElement {
  static styles = styles(sheet);
  static properties = { points: { attribute: false }, wanted: { type: Number } };

  constructor() {
    super();
    /** @type {LinePoint[]} one a second, the newest last */
    this.points = [];
    /** bit/s the picture is set to: the upper edge while nothing is above it */
    this.wanted = 2500000;
  }

  render() {
    const last = this.points.at(-1);
    if (!last) return html`<p class="muted">${t('uplink.none')}</p>`;
    return html`<p class="numbers"><strong>${t('uplink.now', { rate: megabits(last.bps) })}</strong>${last.rttMs >= 0 ? html` · ${t('uplink.rtt', { ms: last.rttMs })}` : nothing}</p>
      <canvas role="img" aria-label=${this.#words(last)} width="600" height="120"></canvas>`;
  }

  /** @param {LinePoint} last */
  #words(last) {
    const rates = this.points.map(({ bps }) => bps);
    return t('uplink.graph', { low: megabits(Math.min(...rates)), high: megabits(Math.max(...rates)), now: megabits(last.bps) });
  }

  updated() {
    const canvas = this.renderRoot.querySelector('canvas');
    const pen = canvas?.getContext('2d');
    if (!canvas || !pen) return;
    const { width, height } = canvas;
    const style = getComputedStyle(this);
    pen.clearRect(0, 0, width, height);
    const top = Math.max(this.wanted, ...this.points.map(({ bps }) => bps)) * 1.1;
    const slow = Math.max(200, ...this.points.map(({ rttMs }) => rttMs)) * 1.1;
    this.#curve(pen, width, height, style.getPropertyValue('--muted'), 2, ({ rttMs }) => rttMs < 0 ? 0 : rttMs / slow);
    const path = this.#curve(pen, width, height, style.getPropertyValue('--curve') || style.color, 4, ({ bps }) => bps / top);
    path.lineTo(width, height);
    path.lineTo(width - (this.points.length - 1) * width / (SECONDS - 1), height);
    pen.globalAlpha = 0.18;
    pen.fill(path);
    pen.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} width
   * @param {number} height
   * @param {string} colour
   * @param {number} thick
   * @param {(point: LinePoint) => number} value 0..1
   */
  #curve(pen, width, height, colour, thick, value) {
    const path = new Path2D();
    this.points.forEach((point, i) => {
      const x = width - (this.points.length - 1 - i) * width / (SECONDS - 1);
      const y = height - 4 - Math.min(1, value(point)) * (height - 8);
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    });
    pen.strokeStyle = colour;
    pen.fillStyle = colour;
    pen.lineWidth = thick;
    pen.stroke(path);
    return path;
  }
}
customElements.define('torg-uplink', TorgUplink);

/** "2.1" @param {number} bps */
export function megabits(bps) {
  return new Intl.NumberFormat(region(), { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(bps / 1e6);
}
