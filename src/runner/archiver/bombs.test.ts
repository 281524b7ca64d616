/** Row A8: artifacts that unpack to more than anybody has. Each is opened in a process whose memory is measured. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Forged, forgedFile, GIBIBYTE, manifestOf, member } from '../../../test/rig/artifacts.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { digestOf } from '../../base/digest.ts';
import { END_OF_ARCHIVE, encodeHeader } from './tar/tar-header.ts';

const OPENER = fileURLToPath(new URL('../../../test/rig/open-artifact-process.ts', import.meta.url));
const MEBIBYTE = 2 ** 20;
/** Node itself, what is unpacked in memory (64 MiB) and its copies. */
const BOUND_BYTES = 450 * MEBIBYTE;
/** A minute is far more than any of these takes; a bomb of hundreds of gibibytes that is unpacked takes longer. */
const GIVE_UP_MS = 60_000;

type Part = Buffer | { readonly zeros: number };

/**
 * A zstd frame written by hand (RFC 8878 §3.1.1), for no compressor packs hundreds of gibibytes in a test:
 * bytes as raw blocks, zeros as blocks that say how often to repeat them.
 */
function zstdFrame(parts: readonly Part[], windowLog = 17): Buffer {
  const blockBytes = 128 * 1024;
  const head = (kind: 0 | 1, length: number, isLast = false): Buffer => {
    const bytes = Buffer.alloc(3);
    bytes.writeUIntLE((length << 3) | (kind << 1) | (isLast ? 1 : 0), 0, 3);
    return bytes;
  };
  const blocks = parts.flatMap((part): Buffer[] => {
    if (Buffer.isBuffer(part)) {
      const starts = Array.from(
        { length: Math.ceil(part.length / blockBytes) },
        (_, index) => index * blockBytes,
      );
      return starts.flatMap((start) => {
        const chunk = part.subarray(start, start + blockBytes);
        return [head(0, chunk.length), chunk];
      });
    }
    const whole = Buffer.concat([head(1, blockBytes), Buffer.of(0)]);
    const rest = part.zeros % blockBytes;
    return [
      Buffer.alloc(Math.floor(part.zeros / blockBytes) * whole.length, whole),
      head(1, rest),
      Buffer.of(0),
    ];
  });
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const header = Buffer.from([0, (windowLog - 10) << 3]);
  return Buffer.concat([magic, header, ...blocks, head(0, 0, true)]);
}

/** The header of a member whose bytes come apart from it. */
function headerOf(path: string, sizeBytes: number): Buffer {
  return encodeHeader({ path, kind: 'file', mode: 0o644, sizeBytes, target: '' });
}

function bigFile(path: string, sizeBytes: number): Forged {
  return {
    record: { path, kind: 'file', mode: 0o644, sizeBytes, digest: digestOf('') },
    entry: { path: `outputs/${path}`, kind: 'file', mode: 0o644, sizeBytes, target: '' },
  };
}

interface Measured {
  readonly outcome: string;
  readonly peakBytes: number;
  readonly packedBytes: number;
}

async function openMeasured(artifact: Buffer): Promise<Measured> {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'artifact');
  writeFileSync(path, artifact);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const printed = execFileSync(process.execPath, [OPENER, path], {
    encoding: 'utf8',
    env,
    timeout: GIVE_UP_MS,
  });
  return { ...(JSON.parse(printed) as Measured), packedBytes: artifact.length };
}

function assertBounded({ peakBytes }: Measured, bound = BOUND_BYTES): void {
  assert.ok(peakBytes < bound, `${Math.round(peakBytes / MEBIBYTE)} MiB of memory`);
}

const head = (members: readonly Forged[]): Buffer =>
  Buffer.concat([
    member({ path: 'manifest.json', body: manifestOf(members) }),
    member({ path: 'log', body: '' }),
  ]);

describe('a bomb', () => {
  test('ten mebibytes that unpack to three hundred gibibytes are refused without unpacking them', async () => {
    const artifact = zstdFrame([headerOf('manifest.json', 2 ** 40), { zeros: 320 * GIBIBYTE }]);
    assert.equal(Math.round(artifact.length / MEBIBYTE), 10);
    const measured = await openMeasured(artifact);
    assert.equal(measured.outcome, 'ARTIFACT_DAMAGED');
    assertBounded(measured);
  });

  test('one in the log is refused', async () => {
    const manifest = member({ path: 'manifest.json', body: manifestOf([]) });
    const measured = await openMeasured(
      zstdFrame([manifest, headerOf('log', 64 * GIBIBYTE), { zeros: 64 * GIBIBYTE }]),
    );
    assert.equal(measured.outcome, 'ARTIFACT_DAMAGED');
    assertBounded(measured);
  });

  test('one in an output is refused by what the manifest says of its size', async () => {
    const members = [bigFile('dist/a', 64 * GIBIBYTE)];
    const frame = [head(members), headerOf('outputs/dist/a', 64 * GIBIBYTE), { zeros: 64 * GIBIBYTE }];
    const measured = await openMeasured(zstdFrame(frame));
    assert.equal(measured.outcome, 'ARTIFACT_REFUSED');
    assertBounded(measured);
  });

  test('one of many outputs that are small each is refused by their sum', async () => {
    const members = Array.from({ length: 5000 }, (_, index) => bigFile(`dist/${index}`, MEBIBYTE));
    const measured = await openMeasured(zstdFrame([head(members), { zeros: 64 * GIBIBYTE }]));
    assert.equal(measured.outcome, 'ARTIFACT_REFUSED');
    assertBounded(measured);
  });

  test('one in an output that is small by the manifest is refused', async () => {
    const frame = [
      head([forgedFile('dist/a')]),
      headerOf('outputs/dist/a', 2 ** 40),
      { zeros: 64 * GIBIBYTE },
    ];
    const measured = await openMeasured(zstdFrame(frame));
    assert.equal(measured.outcome, 'ARTIFACT_DAMAGED');
    assertBounded(measured);
  });

  test('one in place of the manifest’s text is refused, its memory bounded by the largest manifest', async () => {
    const measured = await openMeasured(
      zstdFrame([headerOf('manifest.json', 256 * MEBIBYTE), { zeros: 64 * GIBIBYTE }]),
    );
    assert.equal(measured.outcome, 'ARTIFACT_DAMAGED');
    assertBounded(measured, 4 * 256 * MEBIBYTE + BOUND_BYTES);
  });

  test('one behind the archive’s end is never unpacked', async () => {
    const frame = [head([]), END_OF_ARCHIVE, { zeros: 320 * GIBIBYTE }];
    const measured = await openMeasured(zstdFrame(frame));
    assert.equal(measured.outcome, 'opened');
    assertBounded(measured);
  });

  test('a frame that asks for a window of gibibytes is refused', async () => {
    const measured = await openMeasured(zstdFrame([head([]), END_OF_ARCHIVE], 31));
    assert.equal(measured.outcome, 'ARTIFACT_DAMAGED');
    assertBounded(measured);
  });
});

test('an honest artifact of a gibibyte is opened in the memory of a small one', async () => {
  const members = [bigFile('dist/a', GIBIBYTE)];
  const frame = [head(members), headerOf('outputs/dist/a', GIBIBYTE), { zeros: GIBIBYTE }, END_OF_ARCHIVE];
  const measured = await openMeasured(zstdFrame(frame));
  assert.equal(measured.outcome, 'opened');
  assertBounded(measured);
});
