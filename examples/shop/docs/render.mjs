// pages/*.md and the catalog → dist/v1/*.html, with dist/latest as a link to the newest version.
// A link to a page that does not exist fails the build.
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { openCatalog, unitPrice } from '@shop/catalog';
import { formatMoney } from '@shop/i18n';
import { titleOf, toHtml } from './markdown.mjs';

const VERSION = 'v1';
const here = (path) => new URL(path, import.meta.url);

const sources = new Map([['price-list.md', priceList()]]);
for (const name of (await readdir(here('pages/'))).sort()) {
  sources.set(name, await readFile(here(`pages/${name}`), 'utf8'));
}

await rm(here('dist/'), { recursive: true, force: true });
await mkdir(here(`dist/${VERSION}/`), { recursive: true });
for (const [name, markdown] of sources) {
  checkLinks(name, markdown);
  await writeFile(here(`dist/${VERSION}/${name.replace('.md', '.html')}`), page(markdown));
}
await symlink(VERSION, here('dist/latest'));
console.log(`rendered ${sources.size} pages`);

function priceList() {
  const items = openCatalog()
    .search('')
    .map((product) => {
      const { price, unit } = unitPrice(product);
      return `- ${product.name}: **${formatMoney('en', product.price)}**, ${formatMoney('en', price)} per ${unit}`;
    });
  return `# Price list\n\n${items.join('\n')}\n\nPrices are [without tax](taxes.md).\n`;
}

function checkLinks(name, markdown) {
  for (const [, target] of markdown.matchAll(/\]\(([^)]+\.md)\)/g)) {
    if (!sources.has(target)) throw new Error(`${name}: no page ${target}`);
  }
}

function page(markdown) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${titleOf(markdown)}</title>
<body>
${toHtml(markdown)}
</body>
</html>
`;
}
