import type { IncomingMessage } from 'node:http';

const MAX_RESUMES = 3;

/**
 * The bytes of an answer to a GET. Where it breaks off the rest is asked for (RFC 9110 §14.2), if it is sure to be the
 * rest of the same: by a strong entity tag and the length.
 * @param askFrom asks for what begins at this byte
 */
export async function* resumedBody(
  first: IncomingMessage,
  askFrom: (offset: number, etag: string) => Promise<IncomingMessage>,
): AsyncGenerator<Buffer> {
  const etag = first.statusCode === 200 ? first.headers.etag : undefined;
  const length = first.headers['content-length'];
  let [answer, passed] = [first, 0];
  for (let resumes = 0; ; resumes++) {
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        passed += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (resumes === MAX_RESUMES || !etag || etag.startsWith('W/') || length === undefined) throw error;
      answer = await askFrom(passed, etag);
      const range = `bytes ${passed}-${Number(length) - 1}/${length}`;
      const { statusCode, headers } = answer;
      if (statusCode === 206 && headers.etag === etag && headers['content-range'] === range) continue;
      answer.destroy();
      throw error;
    }
  }
}
