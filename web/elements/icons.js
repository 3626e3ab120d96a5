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
  mic: svg`<rect x="9" y="3.500" width="6" height="11" rx="3"/><path d="M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3"/>`,
  micOff: svg`<path d="M9 7V6.500a3 3 0 0 1 6 0v5M15 14.500a3 3 0 0 1-6-2.500v-1M5.500 11.500a6.500 6.500 0 0 0 11 4.500M18.500 11.500v1M12 18v3M4 4l16 16"/>`,
  camera: svg`<rect x="3" y="6.500" width="12.500" height="11" rx="2.500"/><path d="M15.500 11l5.500-3v8l-5.500-3"/>`,
  cameraOff: svg`<path d="M8 6.500h5a2.500 2.500 0 0 1 2.500 2.500v2l5.500-3v8M15.500 15a2.500 2.500 0 0 1-2.500 2.500H5.500A2.500 2.500 0 0 1 3 15V9c0-1 .6-1.900 1.400-2.300M4 4l16 16"/>`,
  flip: svg`<path d="M4 11a8 8 0 0 1 14-4.500L20.500 9M20.500 4v5h-5M20 13a8 8 0 0 1-14 4.500L3.500 15M3.500 20v-5h5"/>`,
  torch: svg`<path d="M13 3L5.500 13.500H11L10 21l8-11.500h-5.800z"/>`,
  screen: svg`<rect x="3" y="4.500" width="18" height="12" rx="2"/><path d="M12 13.500V8M9.500 10.500L12 8l2.500 2.500M8.500 20h7"/>`,
  settings: svg`<path d="M4 7.500h9M17 7.500h3M4 16.500h3M11 16.500h9"/><circle cx="15" cy="7.500" r="2"/><circle cx="9" cy="16.500" r="2"/>`,
  forward: svg`<path d="M9 5l7 7-7 7"/>`,
  up: svg`<path d="M5 15l7-7 7 7"/>`,
  down: svg`<path d="M5 9l7 7 7-7"/>`,
  phone: svg`<rect x="7" y="2.500" width="10" height="19" rx="2.500"/><path d="M10.500 18.500h3"/>`,
  info: svg`<circle cx="12" cy="12" r="8.500"/><path d="M12 11v5M12 7.800v.3"/>`,
  quality: svg`<path d="M4 19.500v-4M9.300 19.500v-8M14.700 19.500V8M20 19.500V4.500"/>`,
  minus: svg`<path d="M5 12h14"/>`,
};

/**
 * Decoration: the words beside it or on its button say what it means.
 * @param {string} name
 */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${shapes[name]}</svg>`;
}
