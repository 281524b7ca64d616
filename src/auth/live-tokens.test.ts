import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { digestOf } from '../base/digest.ts';
import { openLogger } from '../telemetry/logger.ts';
import { everything } from './access.ts';
import { BearerTokens } from './bearer.ts';
import { LiveTokens } from './live-tokens.ts';
import { OidcVerifier } from './oidc.ts';

/** Tokens of a file, each with its name as its text. */
function fileOf(...names: readonly string[]): string {
  const rows = names.map((name) => `  - { id: ${name}, sha256: ${digestOf(name)}, preset: main }\n`);
  return `tokens:\n${rows.join('')}`;
}

async function open(text: string, clock: Clock = new ManualClock(), { linked = false } = {}) {
  const folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const target = linked ? join(folder.path, 'elsewhere', 'real.yml') : file;
  if (linked) {
    mkdirSync(join(folder.path, 'elsewhere'));
    symlinkSync(target, file);
  }
  writeFileSync(target, text);
  const fixed = [{ sha256: digestOf('fixed'), access: everything('fixed') }];
  const tokens = new BearerTokens(fixed, clock);
  const oidc = new OidcVerifier([], clock);
  const lines = new PassThrough({ encoding: 'utf8' });
  const logger = openLogger('info', lines);
  const dispose = async (): Promise<void> => folder[Symbol.asyncDispose]();
  try {
    const live = new LiveTokens({ file, fixed, tokens, oidc, logger, clock });
    return {
      file,
      target,
      live,
      lines,
      knows: (name: string): boolean => tokens.authenticate(name) !== undefined,
      async [Symbol.asyncDispose]() {
        live.close();
        await dispose();
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

test('the tokens of the file are known, and those that were given besides', async () => {
  await using opened = await open(fileOf('one', 'two'));
  assert.deepEqual(['one', 'two', 'fixed', 'three'].map(opened.knows), [true, true, true, false]);
});

test('a file that is wrong at the start is refused, for there is nothing older', async () => {
  await assert.rejects(open('tokens: 5\n'), {
    code: 'TOKENS_INVALID',
    message: /tokens\.yml:1:9: tokens: expected a list/,
  });
});

test('read again, the file decides: what it no longer holds is revoked, what is new is known', async () => {
  await using opened = await open(fileOf('one', 'two'));
  writeFileSync(opened.file, fileOf('two', 'three'));
  opened.live.reload();
  assert.deepEqual(['one', 'two', 'three', 'fixed'].map(opened.knows), [false, true, true, true]);
});

test('a file that became wrong, empty or is gone changes nothing, and the log says why', async () => {
  await using opened = await open(fileOf('one'));
  const cases: [() => void, RegExp][] = [
    [() => writeFileSync(opened.file, 'tokens:\n  - id: one\n'), /tokens\.0\.sha256: is missing/],
    [() => writeFileSync(opened.file, ''), /is no token file/],
    [() => rmSync(opened.file), /cannot be read: ENOENT/],
  ];
  for (const [spoil, says] of cases) {
    spoil();
    opened.live.reload();
    assert.ok(opened.knows('one'));
    assert.match(String(opened.lines.read()), says);
  }
});

for (const linked of [false, true])
  test(`a change of ${linked ? 'a file behind a link' : 'the file'} is seen, whether it is written over or replaced`, async () => {
    await using opened = await open(fileOf('one'), systemClock, { linked });
    const changes: [string, () => void][] = [
      ['two', () => writeFileSync(opened.target, fileOf('two'))],
      [
        'three',
        () => {
          writeFileSync(`${opened.target}.new`, fileOf('three'));
          renameSync(`${opened.target}.new`, opened.target);
        },
      ],
    ];
    for (const [name, change] of changes) {
      change();
      // A line comes with each reading; the file may be read once more for the same change.
      while (!opened.knows(name)) await once(opened.lines, 'data', { signal: AbortSignal.timeout(10_000) });
      assert.ok(!opened.knows('one'));
    }
  });
