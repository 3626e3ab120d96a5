import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-chat.shadow.css';

/** @typedef {import('../lib/wire.js').ChatMessage} ChatMessage */

/** This near the end (pixels) the list follows new lines. */
const FOLLOW_PX = 80;
const staffRoles = ['advisor', 'moderator', 'host', 'merchandiser', 'admin'];

/**
 * The chat: lines, and the place to write one. With `staff`, every line can be hidden and its writer muted.
 * @fires torg-chat-request detail {text, replyTo}
 * @fires torg-name-request the writer wants another name
 * @fires torg-hide-request detail {message, undo}
 * @fires torg-mute-request detail {person, undo}
 * @slot before @slot after - beside the input
 */
export class TorgChat extends TorgElement {
  static styles = styles(sheet);
  static properties = {
    messages: { attribute: false }, you: { attribute: false }, staff: { type: Boolean, reflect: true }, closed: { type: Boolean },
    problem: {}, sending: { type: Boolean }, muted: { attribute: false }, replyTo: { state: true }, behind: { state: true },
  };

  constructor() {
    super();
    /** @type {ChatMessage[]} */
    this.messages = [];
    /** @type {import('../lib/wire.js').Person | null} */
    this.you = null;
    this.staff = false;
    this.closed = false;
    /** Why the last line was not taken, in words. */
    this.problem = '';
    this.sending = false;
    /** @type {Set<string>} people muted from this desk */
    this.muted = new Set();
    /** @type {ChatMessage | null} */
    this.replyTo = null;
    /** Lines have come while the reader was further up. */
    this.behind = false;
  }

  #following = true;

  render() {
    const lines = this.staff ? this.messages : this.messages.filter((m) => !m.hidden);
    return html`
      <div class="scroll" tabindex="0" role="region" aria-label=${t('chat.title')} @scroll=${this.#scrolled}>
        ${lines.length === 0 ? html`<p class="empty">${t('chat.empty')}</p>` : nothing}
        <ol aria-live="polite" aria-relevant="additions">${repeat(lines, (m) => m.id, (m) => this.#line(m))}</ol>
      </div>
      ${this.behind ? html`<button class="button small newer" type="button" @click=${this.#toEnd}>${t('chat.newer')}</button>` : nothing}
      <form @submit=${this.#submit}>
        ${this.replyTo ? html`<p class="replying"><span>${t('chat.replying', { name: this.#name(this.replyTo) })}</span>
          <button class="icon-button" type="button" aria-label=${t('chat.reply.cancel')} @click=${() => { this.replyTo = null; }}>${icon('close')}</button></p>` : nothing}
        ${this.closed || this.staff || !this.you ? nothing : html`<p class="as">${t('chat.as', { name: this.#personName(this.you) })}
          <button type="button" class="link" @click=${() => this.ask('name')}>${t('chat.name.change')}</button></p>`}
        <p class="problem" role="alert">${this.problem}</p>
        <div class="bar">
          <slot name="before"></slot>
          <label class="write"><span class="visually-hidden">${t('chat.write')}</span>
            <input class="field" name="text" maxlength="500" autocomplete="off" enterkeyhint="send"
              placeholder=${t(this.closed ? 'chat.closed' : 'chat.write')} ?disabled=${this.closed}>
            <button class="icon-button send" type="submit" aria-label=${t('chat.send')} ?disabled=${this.closed || this.sending}>${icon('send')}</button>
          </label>
          <slot name="after"></slot>
        </div>
      </form>`;
  }

  /** @param {ChatMessage} m */
  #line(m) {
    const quoted = m.reply_to ? this.messages.find((other) => other.id === m.reply_to && !other.hidden) : undefined;
    const host = m.from.roles?.some((role) => staffRoles.includes(role));
    const own = this.you?.id === m.from.id;
    return html`<li class=${`${m.hidden ? 'hidden-line' : ''}${own ? ' own' : ''}`} data-id=${m.id}>
      ${quoted ? html`<span class="quote">${icon('reply')} ${this.#name(quoted)}: ${quoted.text}</span>` : nothing}
      <span class="name" data-hue=${hue(m.from.id)}>${this.#name(m)}${host ? html` <span class="role">${t('chat.staff')}</span>` : nothing}</span>
      <span class="text">${m.text}</span>
      ${m.hidden ? html`<span class="role">${t('chat.hidden')}</span>` : nothing}
      <span class="tools">${this.staff ? this.#moderation(m, own) : nothing}
        ${this.closed ? nothing : html`<button type="button" class="icon-button reply" aria-label=${t('chat.reply', { name: this.#name(m) })} @click=${() => this.#reply(m)}>${icon('reply')}</button>`}</span>
    </li>`;
  }

  /**
   * @param {ChatMessage} m
   * @param {boolean} own
   */
  #moderation(m, own) {
    const silenced = this.muted.has(m.from.id);
    const name = this.#name(m);
    return html`
      <button type="button" class="icon-button" aria-label=${t(m.hidden ? 'desk.unhide' : 'desk.hide', { name })} title=${t(m.hidden ? 'desk.unhide' : 'desk.hide', { name })}
        @click=${() => this.ask('hide', { message: m.id, undo: Boolean(m.hidden) })}>${icon(m.hidden ? 'eye' : 'eyeOff')}</button>
      ${own ? nothing : html`<button type="button" class="icon-button" aria-pressed=${silenced} aria-label=${t(silenced ? 'desk.unmute' : 'desk.mute', { name })}
        title=${t(silenced ? 'desk.unmute' : 'desk.mute', { name })} @click=${() => this.ask('mute', { person: m.from.id, undo: silenced })}>${icon('mute')}</button>`}`;
  }

  /** @param {ChatMessage} m */
  #name(m) {
    return this.#personName(m.from);
  }

  /** @param {import('../lib/wire.js').Person} person */
  #personName(person) {
    return person.name || t('chat.guest', { id: person.id.slice(-4) });
  }

  /** @param {ChatMessage} m */
  #reply(m) {
    this.replyTo = m;
    this.#input.focus();
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (this.renderRoot.querySelector('input'));
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#input.value.trim();
    if (!text || this.sending) return;
    this.#following = true;
    this.ask('chat', { text, replyTo: this.replyTo?.id });
  }

  /** The line was taken: the owner of the state says so. */
  sent() {
    this.#input.value = '';
    this.replyTo = null;
  }

  #scrolled() {
    const list = this.#list;
    this.#following = list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOW_PX;
    if (this.#following) this.behind = false;
  }

  #toEnd() {
    this.#following = true;
    this.behind = false;
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  get #list() {
    return /** @type {HTMLElement} */ (this.renderRoot.querySelector('.scroll'));
  }

  /** @param {Map<string, unknown>} changes */
  updated(changes) {
    if (!changes.has('messages')) return;
    if (this.#following) this.#list.scrollTop = this.#list.scrollHeight;
    else this.behind = true;
  }
}
customElements.define('torg-chat', TorgChat);

/** One of six tints for a name, the same on every page. @param {string} id */
function hue(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 6;
  return sum;
}
