/**
 * Opens the artifact in a file, in a process of its own, and prints what came of it and the most
 * memory that this process ever had: what a bomb costs cannot be seen from inside a test.
 */
import { createReadStream, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { VelocityError } from '../../src/base/errors.ts';
import { openArtifact } from '../../src/runner/archiver/unpack.ts';
import { GIBIBYTE, KEY, placeIn } from './artifacts.ts';

const [path = ''] = process.argv.slice(2);
const bytes = { sizeBytes: statSync(path).size, read: () => createReadStream(path) };
let outcome = 'opened';
try {
  await openArtifact(bytes, { ...placeIn({ root: tmpdir() }), key: KEY, maxBytes: 4 * GIBIBYTE });
} catch (error) {
  outcome = error instanceof VelocityError ? error.code : String(error);
}
process.stdout.write(JSON.stringify({ outcome, peakBytes: process.resourceUsage().maxRSS * 1024 }));
