import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, type InputType, inflate, zstdDecompress } from 'node:zlib';
import { eachChunk } from '../../base/each-chunk.ts';
import { messageOf, systemCode, VelocityError } from '../../base/errors.ts';
import { type Fields, fieldValue } from '../../http-cache/fields.ts';
import { type BuildSpec, MAX_SPEC_BYTES, parseBuildSpec } from './build-spec.ts';

interface DecodeOptions {
  readonly maxOutputLength: number;
}

const DECODERS = new Map([
  ['gzip', promisify<InputType, DecodeOptions, Buffer>(gunzip)],
  ['x-gzip', promisify<InputType, DecodeOptions, Buffer>(gunzip)],
  ['deflate', promisify<InputType, DecodeOptions, Buffer>(inflate)],
  ['br', promisify<InputType, DecodeOptions, Buffer>(brotliDecompress)],
  ['zstd', promisify<InputType, DecodeOptions, Buffer>(zstdDecompress)],
]);

/**
 * Reads the build request that a response carries, decoded. The body is at its end, or destroyed, when this is done.
 * @throws VelocityError `BAD_REQUEST`; `ORIGIN_FAILED`: the body broke off
 */
export async function receiveSpec(fields: Fields, body: Readable): Promise<BuildSpec> {
  const bytes = await receive(body);
  return parseBuildSpec(await decoded(fields, bytes));
}

async function receive(body: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    await eachChunk(body, (chunk) => {
      bytes += chunk.length;
      if (bytes > MAX_SPEC_BYTES) throw tooLarge();
      chunks.push(chunk);
      return undefined;
    });
    return Buffer.concat(chunks);
  } catch (error) {
    body.destroy();
    if (error instanceof VelocityError) throw error;
    const what = `The build request of the origin broke off: ${messageOf(error)}`;
    throw new VelocityError('ORIGIN_FAILED', what, { cause: error });
  }
}

async function decoded(fields: Fields, bytes: Buffer): Promise<Buffer> {
  const coding = (fieldValue(fields, 'content-encoding') ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return bytes;
  const decode = DECODERS.get(coding);
  if (decode === undefined)
    throw refused(
      `The build request is in the coding ${JSON.stringify(coding)}; send it in gzip, or in none.`,
    );
  try {
    return await decode(bytes, { maxOutputLength: MAX_SPEC_BYTES });
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw refused(`The build request is not in the coding that it says it is, ${coding}.`, error);
  }
}

function tooLarge(): VelocityError {
  return refused(`The build request has more than ${MAX_SPEC_BYTES} bytes.`);
}

function refused(message: string, cause?: unknown): VelocityError {
  return new VelocityError('BAD_REQUEST', message, { field: 'body', cause });
}
