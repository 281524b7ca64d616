import type { PolicyHook, PolicyQuestions, PolicyRequest, PolicyResponse } from '../policy.ts';
import { writeHeaders, writeText } from './write-headers.ts';

/** A question as guests get it. What they answer: `read-decision.ts`. Both: `docs/guides/write-a-policy.md`. */
export function writeQuestion<H extends PolicyHook>(hook: H, question: PolicyQuestions[H]): string {
  const { request } = question;
  return `{"client":${writeText(request.client)},${WRITERS[hook](question)}}`;
}

const WRITERS: { readonly [H in PolicyHook]: (question: PolicyQuestions[H]) => string } = {
  vcl_recv: ({ request }) => `"req":${requestOf(request)}`,
  vcl_hash: ({ request }) => `"req":${requestOf(request)}`,
  vcl_hit: ({ request, response, age, ttl }) =>
    `"req":${requestOf(request)},"obj":${responseOf(response, `,"age":${JSON.stringify(age)},"ttl":${JSON.stringify(ttl)}`)}`,
  vcl_backend_fetch: ({ request }) => `"bereq":${requestOf(request)}`,
  vcl_backend_response: ({ request, response, ttl }) =>
    `"bereq":${requestOf(request)},"beresp":${responseOf(response, `,"ttl":${JSON.stringify(ttl)}`)}`,
  vcl_deliver: ({ request, response, hit }) =>
    `"req":${requestOf(request)},"resp":${responseOf(response)},"hit":${hit}`,
};

function requestOf({ method, host, url, fields }: PolicyRequest): string {
  return `{"method":${writeText(method)},"host":${writeText(host)},"url":${writeText(url)},"headers":${writeHeaders(fields)}}`;
}

function responseOf({ status, fields }: PolicyResponse, more = ''): string {
  return `{"status":${status},"headers":${writeHeaders(fields)}${more}}`;
}
