import type { ServerResponse } from 'node:http';
import type { TestBucket } from './bucket.ts';

const MOST_RESULTS = 1_000;

/** `storage.objects.list`: https://cloud.google.com/storage/docs/json_api/v1/objects/list */
export function answerList(query: URLSearchParams, response: ServerResponse, bucket: TestBucket): void {
  const most = Math.min(Number(query.get('maxResults') ?? MOST_RESULTS), MOST_RESULTS);
  const from = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString() || query.get('startOffset');
  const objects = bucket.list(query.get('prefix') ?? '', from ?? '');
  const next = objects[most];
  sendJson(response, 200, {
    kind: 'storage#objects',
    items: objects.slice(0, most).map(({ name, bytes, updatedAt, generation }) => ({
      name,
      generation,
      size: String(bytes.length),
      updated: new Date(updatedAt).toISOString(),
    })),
    ...(next ? { nextPageToken: Buffer.from(next.name).toString('base64url') } : {}),
  });
}

/** `storage.buckets.testIamPermissions`, which everybody may ask. */
export function answerPermissions(
  query: URLSearchParams,
  response: ServerResponse,
  permissions: ReadonlySet<string>,
): void {
  sendJson(response, 200, {
    kind: 'storage#testIamPermissionsResponse',
    permissions: query.getAll('permissions').filter((permission) => permissions.has(permission)),
  });
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
