import '@shop/design-tokens/tokens.css';
import './shop.css';
import { openApi } from '@shop/api-client';
import { negotiateLocale } from '@shop/i18n';
import { render } from 'preact';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (!root) throw new Error('unreachable: index.html has #app');

const locale = negotiateLocale(navigator.languages.join(','));
document.documentElement.lang = locale;
render(<App api={openApi(SHOP_API_URL)} locale={locale} />, root);
