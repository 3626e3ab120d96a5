import { html, svg } from 'lit';

/** @type {Record<string, import('lit').SVGTemplateResult>} line icons on a 24 grid */
const shapes = {
  heart: svg`<path d="M12 20.5S3.5 15.6 3.5 9.4A4.7 4.7 0 0 1 12 6.700a4.700 4.700 0 0 1 8.500 2.700c0 6.200-8.500 11.100-8.500 11.100z" fill="currentColor" stroke="none"/>`,
  bag: svg`<path d="M5 8h14l1 12.500H4zM8.500 8V7a3.500 3.500 0 0 1 7 0v1"/>`,
  cart: svg`<path d="M3 4h2.500l2.200 11h10.600L20.500 7.500H6.300"/><circle cx="9" cy="19.500" r="1.400"/><circle cx="17" cy="19.500" r="1.400"/>`,
  receipt: svg`<path d="M6 3.500h12v17l-2-1.400-2 1.400-2-1.400-2 1.400-2-1.400-2 1.400zM9 8.500h6M9 12.500h6"/>`,
  send: svg`<path d="M4 12h15M13 6l6 6-6 6"/>`,
  close: svg`<path d="M6 6l12 12M18 6L6 18"/>`,
  back: svg`<path d="M15 5l-7 7 7 7"/>`,
  eye: svg`<path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z"/><circle cx="12" cy="12" r="2.800"/>`,
  eyeOff: svg`<path d="M4 4l16 16M9.500 6a9 9 0 0 1 2.500-.5c6 0 9.500 6.500 9.500 6.500a17 17 0 0 1-2.700 3.400M6 8a16 16 0 0 0-3.500 4s3.500 6.500 9.500 6.500a9 9 0 0 0 4-.9"/>`,
  soundOff: svg`<path d="M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM16 9.500l5 5M21 9.500l-5 5"/>`,
  sound: svg`<path d="M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4.500 4.500 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11"/>`,
  play: svg`<path d="M8 5.500v13l10.500-6.500z" fill="currentColor"/>`,
  reply: svg`<path d="M9.500 7L4.500 12l5 5M4.500 12H14a5.500 5.500 0 0 1 5.500 5.500V19"/>`,
  mute: svg`<circle cx="12" cy="12" r="8.500"/><path d="M6 6l12 12"/>`,
  pin: svg`<path d="M9 4h6l-.8 6 3.300 3.500h-11L9.800 10zM12 13.500V20"/>`,
  check: svg`<path d="M4.500 12.500l5 5 10-11"/>`,
  clock: svg`<circle cx="12" cy="12" r="8.500"/><path d="M12 7v5.300l3.400 2"/>`,
  globe: svg`<circle cx="12" cy="12" r="8.500"/><path d="M3.500 12h17M12 3.500c5 5 5 12 0 17M12 3.500c-5 5-5 12 0 17"/>`,
  warning: svg`<path d="M12 4L2.800 19.500h18.400zM12 10v4.500M12 17v.3"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  minus: svg`<path d="M5 12h14"/>`,
};

/**
 * Decoration: the words beside it or on its button say what it means.
 * @param {string} name
 */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shapes[name]}</svg>`;
}
