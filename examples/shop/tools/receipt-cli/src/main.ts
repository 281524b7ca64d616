#!/usr/bin/env node
// receipt [--locale en|de|fr] < basket.json
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { openCatalog } from '@shop/catalog';
import { negotiateLocale } from '@shop/i18n';
import { isBasket, quote } from '@shop/pricing';
import { layOut } from './receipt.ts';

const { values } = parseArgs({ options: { locale: { type: 'string', default: 'en' } } });
const basket: unknown = JSON.parse(await text(process.stdin));

if (isBasket(basket)) {
  process.stdout.write(layOut(quote(basket, openCatalog()), negotiateLocale(values.locale)));
} else {
  console.error('receipt: standard input is not a basket');
  process.exitCode = 2;
}
