/**
 * @file <torg-show src="https://host/s/{show}"> for any other site: the show in a frame of its own, so that
 * neither page can reach into the other. Sizes itself by its container, 9:16 at least when narrow.
 */
class TorgShow extends HTMLElement {
  static observedAttributes = ['src', 'title'];
  /** @type {HTMLIFrameElement | null} */
  #frame = null;

  connectedCallback() {
    if (this.#frame) return;
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(':host{display:block;min-height:640px}iframe{display:block;width:100%;height:100%;min-height:inherit;border:0;border-radius:inherit}');
    root.adoptedStyleSheets = [sheet];
    this.#frame = document.createElement('iframe');
    this.#frame.allow = 'autoplay; fullscreen; picture-in-picture';
    this.#frame.loading = 'lazy';
    this.#frame.referrerPolicy = 'strict-origin-when-cross-origin';
    root.append(this.#frame);
    this.#update();
  }

  attributeChangedCallback() {
    this.#update();
  }

  #update() {
    if (!this.#frame) return;
    this.#frame.title = this.getAttribute('title') || 'Live shopping';
    const src = this.getAttribute('src');
    if (!src) return;
    const url = new URL(src, document.baseURI);
    // Never a javascript: or data: address in a frame of the host's page.
    if (url.protocol === 'https:' || url.protocol === 'http:') this.#frame.src = url.href;
  }
}
if (!customElements.get('torg-show')) customElements.define('torg-show', TorgShow);
