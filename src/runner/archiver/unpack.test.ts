import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import {
  FACTS,
  type Forged,
  type ForgeOptions,
  forge,
  forgedFile,
  forgedFolder,
  forgedLink,
  GIBIBYTE,
  KEY,
  manifestOf,
  member,
  open,
  type PlaceOptions,
  packedFrom,
  placeIn,
  restoreInto,
  retype,
} from '../../../test/rig/artifacts.ts';
import { snapshot } from '../../../test/rig/system-tar.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { parseCacheKey } from '../../base/cache-key.ts';
import { VelocityError } from '../../base/errors.ts';
import { END_OF_ARCHIVE } from './tar/tar-header.ts';
import { openArtifact } from './unpack.ts';

function workspace(files: Record<string, string> = {}): Promise<TempWorkspace> {
  return TempWorkspace.open({ 'packages/web/package.json': {}, ...files }, { git: false });
}

/** The code with which opening an artifact fails. */
async function failure(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    assert.ok(error instanceof VelocityError, String(error));
    return `${error.code} ${error.message}`;
  }
  return assert.fail('it was opened');
}

/** As above, for an artifact that somebody forged. */
async function forgedFailure(members: readonly Forged[], options?: ForgeOptions): Promise<string> {
  await using here = await workspace();
  return await failure(open(forge(members, options), placeIn(here)));
}

describe('openArtifact', () => {
  test('a whole artifact gives its manifest, its log and its contents in order', async () => {
    await using here = await workspace({ 'packages/web/dist/a': 'one', 'packages/web/dist/b': '' });
    const { manifest, log, contents } = await open(
      await packedFrom(placeIn(here), { log: 'said\n' }),
      placeIn(here),
    );
    const events = [];
    for await (const event of contents)
      events.push(event.type === 'output' ? event.output.path : event.chunk.toString());
    assert.deepEqual(
      [manifest.task, log.toString(), events],
      ['web#build', 'said\n', ['dist/a', 'one', 'dist/b']],
    );
  });

  test('it opens from a stream as from memory', async () => {
    await using here = await workspace({ 'packages/web/dist/a': 'one' });
    const bytes = await packedFrom(placeIn(here));
    const source = { sizeBytes: bytes.length, read: () => Readable.from([bytes]) };
    const { manifest } = await openArtifact(source, { ...placeIn(here), key: KEY, maxBytes: GIBIBYTE });
    assert.equal(manifest.outputs.length, 1);
  });

  test('one that unpacks beyond what memory should hold is streamed', async () => {
    await using here = await workspace({ 'packages/web/dist/a': '' });
    writeFileSync(here.path('packages/web/dist/a'), Buffer.alloc(70 * 2 ** 20, 'large'));
    const { contents } = await open(await packedFrom(placeIn(here)), placeIn(here));
    let bytes = 0;
    for await (const event of contents) if (event.type === 'data') bytes += event.chunk.length;
    assert.equal(bytes, 70 * 2 ** 20);
  });

  test('nothing is written by opening', async () => {
    await using here = await workspace({ 'packages/web/dist/old': 'old' });
    const before = snapshot(here.root);
    await open(forge([forgedFile('dist/new')]), placeIn(here));
    assert.deepEqual(snapshot(here.root), before);
  });
});

describe('what is not what it says', () => {
  test('the artifact of another key is damage', async () => {
    await using here = await workspace();
    const other = parseCacheKey('cd'.repeat(32));
    assert.ok(other);
    const bytes = forge([]);
    const opening = openArtifact(
      { sizeBytes: bytes.length, read: () => bytes },
      { ...placeIn(here), key: other, maxBytes: GIBIBYTE },
    );
    assert.match(await failure(opening), /^ARTIFACT_DAMAGED .*another key \(web#build\)/);
  });

  test('bytes that are no artifact are damage', async () => {
    await using here = await workspace();
    const texts = ['', 'x', '<!doctype html><title>Sign in</title>', '{"status":"found"}'];
    for (const bytes of [
      ...texts.map((text) => Buffer.from(text)),
      Buffer.alloc(5000),
      zstdCompressSync('text'),
      zstdCompressSync(''),
    ])
      assert.match(await failure(open(bytes, placeIn(here))), /^ARTIFACT_DAMAGED/);
  });

  test('a file that the manifest does not list is damage', async () => {
    const { entry } = forgedFile('dist/extra');
    assert.match(
      await forgedFailure([forgedFile('dist/a'), { entry, body: 'forged' }]),
      /^ARTIFACT_DAMAGED .*"outputs\/dist\/extra"/,
    );
  });

  test('a file that the manifest lists and that is not there is damage', async () => {
    await using here = await workspace();
    const bytes = forge([forgedFile('dist/a')], {
      manifest: { outputs: [forgedFile('dist/a').record, forgedFile('dist/b').record] },
    });
    assert.match(await failure(open(bytes, placeIn(here))), /^ARTIFACT_DAMAGED .*fewer files/);
  });

  const { record } = forgedFile('dist/a');
  const lies: Readonly<Record<string, Forged>> = {
    'another name': { ...forgedFile('dist/b'), record },
    'another name that climbs': { ...forgedFile('../../dist/a'), record },
    'another size': { ...forgedFile('dist/a', 'longer than said'), record },
    'another mode': { ...forgedFile('dist/a', 'forged', 0o755), record },
    'another kind': { ...forgedLink('dist/a', 'b'), record },
    'a link with another target': {
      ...forgedLink('dist/a', '../../../../etc'),
      record: { path: 'dist/a', kind: 'link', target: 'b' },
    },
    'a folder with another mode': {
      ...forgedFolder('dist/a', 0o777),
      record: { path: 'dist/a', kind: 'directory', mode: 0o755 },
    },
  };
  for (const [lie, forged] of Object.entries(lies)) {
    test(`an entry with ${lie} than the manifest says is damage`, async () => {
      assert.match(await forgedFailure([forged]), /^ARTIFACT_DAMAGED .*is not what its manifest lists/);
    });
  }

  test('entries in another order than the manifest’s are damage', async () => {
    await using here = await workspace();
    const [a, b] = [forgedFile('dist/a'), forgedFile('dist/b')];
    const bytes = forge([b, a], { manifest: { outputs: [a.record, b.record] } });
    assert.match(await failure(open(bytes, placeIn(here))), /^ARTIFACT_DAMAGED/);
  });

  test('an archive that begins with anything but manifest and log is damage', async () => {
    await using here = await workspace();
    const [manifest, log, other] = [
      member({ path: 'manifest.json', body: manifestOf([]) }),
      member({ path: 'log', body: '' }),
      member({ path: 'x', body: '' }),
    ];
    for (const members of [[log, manifest], [manifest], [manifest, other], [other, manifest, log], []]) {
      const bytes = zstdCompressSync(Buffer.concat([...members, END_OF_ARCHIVE]));
      assert.match(await failure(open(bytes, placeIn(here))), /^ARTIFACT_DAMAGED/);
    }
  });

  test('a log of another length than the manifest says is damage', async () => {
    assert.match(
      await forgedFailure([], { log: 'said', manifest: { log: { sizeBytes: 5, truncated: false } } }),
      /^ARTIFACT_DAMAGED/,
    );
  });
});

describe('what must not be restored', () => {
  /** Opens a forged artifact over a workspace with something outside, and shows that all is as before. */
  async function refusedUntouched(
    members: readonly Forged[],
    options: PlaceOptions & { links?: Record<string, string> } & ForgeOptions = {},
  ) {
    await using top = await openTempFolder();
    const root = join(top.path, 'ws');
    mkdirSync(join(root, 'packages/web/dist'), { recursive: true });
    mkdirSync(join(top.path, 'outside/dist'), { recursive: true });
    for (const path of ['secret', 'dist/kept']) writeFileSync(join(top.path, 'outside', path), 'secret');
    writeFileSync(join(root, 'packages/web/dist/old'), 'old');
    for (const [path, target] of Object.entries(options.links ?? {})) symlinkSync(target, join(root, path));
    const before = snapshot(top.path);
    const message = await failure(
      restoreInto(forge(members, options), placeIn({ root }, { patterns: ['**'], ...options })),
    );
    assert.deepEqual(snapshot(top.path), before);
    return message;
  }

  const evil = forgedFile('dist/evil');
  const shapes: Readonly<Record<string, readonly Forged[]>> = {
    'a name that climbs out': [evil, forgedFile('../../../outside/secret')],
    'a name that climbs out in its middle': [evil, forgedFile('dist/../../../../outside/secret')],
    'an absolute name': [evil, forgedFile('/tmp/evil')],
    'a name with a drive': [evil, forgedFile('C:/evil')],
    'a name with backslashes': [evil, forgedFile('dist\\..\\..\\evil')],
    'a name in git’s folder': [evil, forgedFile('.git/hooks/pre-commit', 'x', 0o755)],
    'a link to the outside': [evil, forgedLink('dist/l', '../../../../outside/secret')],
    'an absolute link': [evil, forgedLink('dist/l', '/etc/passwd')],
    'a link and a file through it': [
      evil,
      forgedLink('dist/l', '../../../../outside'),
      forgedFile('dist/l/secret'),
    ],
    'a link that stays inside and a file through it': [
      evil,
      forgedLink('dist/l', '.'),
      forgedFile('dist/l/x'),
    ],
    'a file and then a link above it': [evil, forgedFile('dist/l/x'), forgedLink('dist/l', '.')],
    'a chain of links': [
      forgedLink('dist/a/b/c/up', '../../../..'),
      forgedLink('dist/a/b/hop', 'c/up/..'),
      forgedLink('dist/out', 'a/b/hop/../..'),
      evil,
    ],
    'a name twice': [evil, evil],
    'a link and a file of one name': [forgedLink('dist/x', 'y'), forgedFile('dist/x'), evil],
    'an entry below a file': [evil, forgedFile('dist/evil/x')],
    'links in a circle': [evil, forgedLink('dist/a', 'b'), forgedLink('dist/b', 'a')],
  };
  for (const [shape, members] of Object.entries(shapes)) {
    test(`${shape} is refused before anything is written`, async () => {
      assert.match(await refusedUntouched(members), /^ARTIFACT_REFUSED/);
    });
  }

  test('what is no output of the task is refused before anything is written', async () => {
    const message = await refusedUntouched([evil, forgedFile('package.json')], { patterns: ['dist/**'] });
    assert.equal(
      message,
      'ARTIFACT_REFUSED The artifact was refused: "package.json" is no output of this task.',
    );
  });

  test('a link over a link on the disk that leads outside is refused', async () => {
    const message = await refusedUntouched([evil, forgedLink('dist/l', '../exit/secret')], {
      links: { 'packages/web/exit': '../../../outside' },
      patterns: ['dist/**'],
    });
    assert.match(message, /^ARTIFACT_REFUSED .*leads out of the workspace/);
  });

  test('an output folder behind a link on the disk that leads outside is refused', async () => {
    const message = await refusedUntouched([forgedFile('build/dist/secret')], {
      links: { 'packages/web/build': '../../../outside' },
      patterns: ['build/dist/**'],
    });
    assert.match(message, /^ARTIFACT_REFUSED .*is a folder outside the workspace/);
  });

  test('hard links, devices, pipes and whatever else a tar can hold are damage', async () => {
    for (const type of ['1', '3', '4', '6', '7', 'S', 'D', 'M', 'V', 'A']) {
      const message = await refusedUntouched([evil, forgedFile('dist/odd', '')], {
        change: (archive) => retype(archive, 'outputs/dist/odd', type),
      });
      assert.match(message, /^ARTIFACT_DAMAGED/, type);
    }
  });

  test('a mode with setuid is damage', async () => {
    assert.match(await refusedUntouched([forgedFile('dist/su', 'x', 0o4755)]), /^ARTIFACT_DAMAGED/);
  });

  test('more bytes than allowed are refused', async () => {
    await using here = await workspace();
    const bytes = forge([forgedFile('dist/a', 'x'.repeat(1000)), forgedFile('dist/b', 'x'.repeat(1000))]);
    assert.match(
      await failure(open(bytes, placeIn(here), 1999)),
      /^ARTIFACT_REFUSED .*2000 bytes, the limit is 1999/,
    );
  });
});

describe('damage of an artifact’s bytes', () => {
  /** An artifact with files of several blocks, so that damage can hit all parts of it. */
  async function sample(here: TempWorkspace): Promise<Buffer> {
    const noise = Array.from({ length: 400 }, (_, index) => Math.imul(index, 2654435761).toString(36)).join(
      '',
    );
    here.write({
      'packages/web/dist/noise': noise,
      'packages/web/dist/empty': '',
      'packages/web/dist/text': 'text\n'.repeat(300),
    });
    symlinkSync('text', here.path('packages/web/dist/link'));
    return await packedFrom(placeIn(here), { log: 'what it said\n' });
  }

  /** What an artifact gives when it is opened and read to its end, or the code of the failure. */
  async function outcome(bytes: Buffer, here: TempWorkspace): Promise<unknown> {
    try {
      const { manifest, log, contents } = await open(bytes, placeIn(here));
      const chunks: string[] = [];
      for await (const event of contents)
        if (event.type === 'data') chunks.push(event.chunk.toString('base64'));
      return { manifest, log: log.toString(), content: chunks.join('') };
    } catch (error) {
      assert.ok(error instanceof VelocityError, String(error));
      return error.code;
    }
  }

  test('a changed bit is refused or changes nothing, wherever it is', async () => {
    await using here = await workspace();
    const bytes = await sample(here);
    const whole = await outcome(bytes, here);
    for (let index = 0; index < bytes.length; index += bytes.length < 3000 ? 7 : 97) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
      const found = await outcome(changed, here);
      if (found !== 'ARTIFACT_DAMAGED') assert.deepEqual(found, whole, `bit of byte ${index}`);
    }
  });

  test('a cut is refused or loses nothing, wherever it is', async () => {
    await using here = await workspace();
    const bytes = await sample(here);
    const whole = await outcome(bytes, here);
    for (let length = 0; length < bytes.length; length += 97) {
      const found = await outcome(bytes.subarray(0, length), here);
      if (found !== 'ARTIFACT_DAMAGED') assert.deepEqual(found, whole, `cut at ${length}`);
    }
  });

  test('zeros in the place of its second half, as a torn write leaves them, are refused', async () => {
    await using here = await workspace();
    const bytes = await sample(here);
    assert.equal(await outcome(Buffer.from(bytes).fill(0, bytes.length >> 1), here), 'ARTIFACT_DAMAGED');
  });

  test('what follows its end changes nothing', async () => {
    await using here = await workspace();
    const bytes = await sample(here);
    const longer = Buffer.concat([bytes, zstdCompressSync(Buffer.alloc(100_000))]);
    assert.deepEqual(await outcome(longer, here), await outcome(bytes, here));
  });
});

test('what was recorded of a run is for reading: a restore does not need it', async () => {
  await using here = await workspace();
  const bytes = forge([forgedFile('dist/a')], { manifest: { inputs: undefined, writer: undefined } });
  assert.equal((await open(bytes, placeIn(here))).manifest.durationMs, FACTS.durationMs);
});
