import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { type OnBytes, sendBody } from '../../http/transfer.ts';
import { TEXT_FIELDS } from './answer-text.ts';
import { gathering } from './gathering.ts';
import type { LineRange } from './line-range.ts';
import { cutLines, linesBody, linesFields } from './lines.ts';

/** Answers a GET or a HEAD with lines of a file, which is read as far as they reach and then destroyed. */
export async function answerLines(
  { method }: FastifyRequest,
  response: ServerResponse,
  file: Readable,
  range: LineRange,
  onBytes: OnBytes,
): Promise<void> {
  try {
    await gathering.run(0, async () => {
      const lines = await cutLines(file, range);
      response.writeHead(200, [...TEXT_FIELDS, ...linesFields(lines)]);
      if (method === 'HEAD') response.end();
      else await sendBody(response, linesBody(lines), onBytes);
    });
  } finally {
    file.destroy();
  }
}
