import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FilePath } from '../../files/file-path.ts';
import type { FileReading } from '../../files/file-reading.ts';
import { askedSpan } from '../../http/asked-span.ts';
import { typeByName } from '../../http/content-type.ts';
import { type OnBytes, representationHead, sendBytes } from '../../http/transfer.ts';

/** A file may be written again at any time: who keeps it asks whether it is still so. */
const FILE_FIELDS = ['cache-control', 'no-cache', 'x-content-type-options', 'nosniff'] as const;

/** Answers with a file, as it is or as it was. Closes the reading. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: FilePath,
  reading: FileReading,
  onBytes: OnBytes,
): Promise<void> {
  using _reading = reading;
  const { facts } = reading;
  const span = askedSpan(request, response, facts, 'The file', ['cache-control', 'no-cache']);
  if (span === undefined) return;
  const { status, headers } = representationHead({
    ...facts,
    contentType: typeByName(undefined, path),
    span,
  });
  const revision = facts.revision === undefined ? [] : ['x-revision', String(facts.revision)];
  const begin = (): void => void response.writeHead(status, [...headers, ...revision, ...FILE_FIELDS]);
  if (request.method === 'HEAD') {
    begin();
    response.end();
    return;
  }
  const bytes = span === 'whole' ? await reading.bytes() : undefined;
  if (bytes) {
    begin();
    sendBytes(response, bytes, onBytes);
    return;
  }
  await reading.sendTo(response, span, { begin, onBytes });
  response.end();
}
