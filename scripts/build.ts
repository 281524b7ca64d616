/**
 * Builds what is published: one bundled file for each part of the CLI that loads by itself, so that
 * a cached run starts without reading hundreds of small modules. Packages that are only loaded when
 * their part is used stay packages.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Where `dist` is put. */
const target = process.argv[2] ?? '.';
const outdir = join(target, 'dist');
const BUNDLED = ['commander', 'picomatch', 'smol-toml', 'yaml', 'zod'];

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    main: 'src/main.ts',
    index: 'src/index.ts',
    'digest-worker': 'src/base/file-digest/digest-worker.ts', // threads are begun with a file of their own
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  chunkNames: 'chunks/[name]-[hash]',
  metafile: true,
  plugins: [
    {
      name: 'keep-packages',
      setup(setup) {
        setup.onResolve({ filter: /^[^./]/ }, ({ path }) => {
          const name = path.startsWith('@') ? path.split('/', 2).join('/') : path.split('/', 1)[0];
          return BUNDLED.includes(name ?? '') ? undefined : { path, external: true };
        });
      },
    },
  ],
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
});
const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist: ${Object.keys(metafile.outputs).length} files, ${Math.round(bytes / 1024)} KiB`);
