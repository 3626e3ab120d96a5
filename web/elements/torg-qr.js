import { html, nothing, svg } from 'lit';
import { encode } from 'uqr';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-qr.shadow.css';

/** A text as a QR code: black on white in any colour scheme, drawn as one path. */
export class TorgQr extends TorgElement {
  static styles = styles(sheet);
  static properties = { text: {}, label: {} };

  constructor() {
    super();
    this.text = '';
    this.label = '';
  }

  render() {
    if (!this.text) return nothing;
    const { data, size } = encode(this.text, { ecc: 'M', border: 3 });
    let path = '';
    data.forEach((row, y) => row.forEach((dark, x) => {
      if (dark) path += `M${x} ${y}h1v1h-1z`;
    }));
    return html`<svg viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${this.label} shape-rendering="crispEdges">
      <rect width=${size} height=${size} fill="#fff"></rect>${svg`<path d=${path} fill="#000"/>`}</svg>`;
  }
}
customElements.define('torg-qr', TorgQr);
