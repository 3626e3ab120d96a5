import { html } from 'lit';
import { t } from '../lib/i18n.js';
import { icon } from './icons.js';
import './torg-language.js';
import { TorgElement, styles } from './torg-element.js';
import sheet from './torg-header.shadow.css';

/** The bar of the quiet pages. @slot - between the mark and the language */
export class TorgHeader extends TorgElement {
  static styles = styles(sheet);

  render() {
    return html`<header>
      <a class="home" href="/" ><img src="/favicon.svg" alt="" width="36" height="36"><span>torg</span><span class="visually-hidden">: ${t('shows.all')}</span></a>
      <div class="middle"><slot></slot></div>
      <torg-language></torg-language>
      <a class="icon-button" href="/account" aria-label=${t('account.title')}>${icon('receipt')}</a>
    </header>`;
  }
}
customElements.define('torg-header', TorgHeader);
