/**
 * Compiles the policies of `examples/policies`, into `examples/policies/dist` or the folder that is named, and others
 * that are named after it: `.ts` is AssemblyScript, `.wat` WebAssembly's text.
 *
 *     npm run policies [-- folder [file…]]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { compileAssemblyScript, compileWat } from '../test/rig/compile-policy.ts';

const EXAMPLES = ['static-files.ts', 'devices.ts', 'no-admin.wat'].map((name) =>
  join('examples/policies', name),
);

const [folder = 'examples/policies/dist', ...files] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const file of files.length > 0 ? files : EXAMPLES) {
  const kind = extname(file);
  const module = kind === '.wat' ? compileWat(readFileSync(file, 'utf8')) : await compileAssemblyScript(file);
  const path = join(folder, `${basename(file, kind)}.wasm`);
  writeFileSync(path, module);
  console.log(`${path}: ${module.length} bytes`);
}
