/** Compiles the memory through which policies and their host exchange bytes. `--check` only says whether that is done. */
import { readFileSync, writeFileSync } from 'node:fs';
import openWabt from 'wabt';

const FOLDER = 'src/doors/proxy/policy/guest';

const { parseWat } = await openWabt();
const { buffer } = parseWat('exchange.wat', readFileSync(`${FOLDER}/exchange.wat`, 'utf8')).toBinary({});
const lines =
  Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,100}/g) ?? [];
const text = `/** \`exchange.wat\`, compiled by \`scripts/write-exchange-module.ts\`. */
export const EXCHANGE_BASE64 =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
const path = `${FOLDER}/exchange-module.ts`;
if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error(`${path} is not what exchange.wat says: node scripts/write-exchange-module.ts`);
  process.exitCode = 1;
}
