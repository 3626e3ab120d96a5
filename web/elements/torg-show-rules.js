import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-show-rules.shadow.css';

/** @typedef {import('../lib/wire.js').ShowRules} ShowRules */

/**
 * How a show sells: waiting list, comments that buy, their word.
 * @fires torg-rules-request detail {rules} all of them, with what was changed
 */
export class TorgShowRules extends TorgElement {
  static styles = styles(sheet);
  static properties = { rules: { attribute: false }, problem: {} };

  constructor() {
    super();
    /** @type {ShowRules | null} null = not read yet */
    this.rules = null;
    this.problem = '';
  }

  render() {
    const rules = this.rules;
    if (!rules) return html`<p class="muted" role="status">${this.problem || t('loading')}</p>`;
    const box = (/** @type {'waiting' | 'comments' | 'comment_bare'} */ name, /** @type {string} */ words) =>
      html`<label class="check"><input type="checkbox" name=${name} .checked=${rules[name]}> ${t(words)}</label>`;
    return html`<form @submit=${(/** @type {SubmitEvent} */ e) => this.#save(e, rules)}>
      ${box('waiting', 'desk.rules.waiting')}
      <label>${t('desk.rules.turn')}<input class="field" name="turn_s" type="number" min="10" max="86400" inputmode="numeric" required .value=${String(rules.turn_s || 120)}></label>
      ${box('comments', 'desk.rules.comments')}
      ${box('comment_bare', 'desk.rules.bare')}
      <label>${t('desk.rules.word')}<input class="field" name="comment_word" maxlength="16" autocomplete="off" .value=${rules.comment_word}></label>
      <button class="button primary wide" type="submit">${t('desk.rules.save')}</button>
      <p class="problem" role="alert">${this.problem}</p>
    </form>`;
  }

  /**
   * @param {SubmitEvent} event
   * @param {ShowRules} rules
   */
  #save(event, rules) {
    event.preventDefault();
    const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const on = (/** @type {string} */ name) => data.get(name) !== null;
    this.ask('rules', { rules: {
      ...rules, waiting: on('waiting'), comments: on('comments'), comment_bare: on('comment_bare'),
      comment_word: String(data.get('comment_word')).trim(), turn_s: Number(data.get('turn_s')),
    } });
  }
}
customElements.define('torg-show-rules', TorgShowRules);
