// tokens.json → dist/tokens.css for browsers and generated/index.ts for the compiler.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { contrast, READABLE_PAIRS } from './contrast.mjs';

const root = new URL('../', import.meta.url);
const groups = JSON.parse(await readFile(new URL('tokens.json', root), 'utf8'));

for (const [text, ground] of READABLE_PAIRS) {
  const ratio = contrast(groups.color[text], groups.color[ground]);
  if (ratio < 4.5) throw new Error(`${text} on ${ground} has a contrast of ${ratio.toFixed(2)}, below 4.5`);
}

const tokens = Object.entries(groups).flatMap(([group, values]) =>
  Object.entries(values).map(([name, value]) => [`${group}-${name}`, value]),
);

await write('dist/tokens.css', [':root {', ...tokens.map(([name, value]) => `  --${name}: ${value};`), '}']);

await write('generated/index.ts', [
  '// Written from tokens.json by scripts/write-tokens.mjs.',
  'export const tokens = {',
  ...tokens.map(([name, value]) => `  '${name}': '${value}',`),
  '} as const;',
  '',
  'export type TokenName = keyof typeof tokens;',
  '',
  '/** A reference to a token, for inline styles: the page may still override it. */',
  'export function token(name: TokenName): string {',
  `  return \`var(--\${name})\`;`,
  '}',
]);

console.log(`wrote ${tokens.length} tokens`);

async function write(path, lines) {
  const file = new URL(path, root);
  await mkdir(new URL('.', file), { recursive: true });
  await writeFile(file, `${lines.join('\n')}\n`);
}
