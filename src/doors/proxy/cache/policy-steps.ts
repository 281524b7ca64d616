import type { Fields } from '../../../http-cache/fields.ts';
import type { Proxied } from '../origin/forwarding.ts';
import type { OriginRequest } from '../origin/origin-client.ts';
import type { AdmittedRequest } from '../origin/request-hygiene.ts';
import { parseTarget } from '../origin/request-target.ts';
import { editedFields } from '../policy/edited-fields.ts';
import type { Policy, PolicyDecisions, PolicyRequest, PolicyResponse, Synthetic } from '../policy/policy.ts';

/** Where a policy sends a request. */
export type Received =
  | { readonly kind: 'go'; readonly admitted: AdmittedRequest; readonly isPass: boolean }
  | { readonly kind: 'synthetic'; readonly synthetic: Synthetic };

/** The request as it goes to the backend, or what is answered instead. */
type Fetched = OriginRequest | { readonly synthetic: Synthetic };

/** What a policy has to say on the way of a request; without one, nothing, at once. */
export class PolicySteps {
  readonly #policy: Policy | undefined;

  constructor(policy: Policy | undefined) {
    this.#policy = policy;
  }

  receive(admitted: AdmittedRequest, client: string): Received | Promise<Received> {
    if (!this.#policy?.hooks('vcl_recv')) return received(admitted, undefined);
    return this.#policy
      .ask('vcl_recv', { request: policyRequest(admitted, client) })
      .then((decision) => received(admitted, decision));
  }

  /** What parts equal URIs. */
  hash(admitted: AdmittedRequest, client: string): string | Promise<string> {
    if (!this.#policy?.hooks('vcl_hash')) return '';
    return this.#policy
      .ask('vcl_hash', { request: policyRequest(admitted, client) })
      .then((decision) => decision?.key ?? '');
  }

  hit(
    admitted: AdmittedRequest,
    client: string,
    response: PolicyResponse,
    age: number,
    ttl: number,
  ): Promise<PolicyDecisions['vcl_hit'] | undefined> | undefined {
    if (!this.#policy?.hooks('vcl_hit')) return undefined;
    return this.#policy.ask('vcl_hit', { request: policyRequest(admitted, client), response, age, ttl });
  }

  fetch(outgoing: OriginRequest, host: string, client: string): Fetched | Promise<Fetched> {
    if (!this.#policy?.hooks('vcl_backend_fetch')) return outgoing;
    const { method, target, fields } = outgoing;
    const request = { method, host, url: target, fields, client };
    return this.#policy.ask('vcl_backend_fetch', { request }).then((decision) => {
      if (!decision) return outgoing;
      if (decision.action === 'synth' && decision.synthetic) return { synthetic: decision.synthetic };
      return { ...outgoing, fields: editedFields(fields, decision.edits) };
    });
  }

  backendResponse(
    outgoing: OriginRequest,
    host: string,
    client: string,
    response: PolicyResponse,
    ttl: () => number | null,
  ): Promise<PolicyDecisions['vcl_backend_response'] | undefined> | undefined {
    if (!this.#policy?.hooks('vcl_backend_response')) return undefined;
    const { method, target, fields } = outgoing;
    const request = { method, host, url: target, fields, client };
    return this.#policy.ask('vcl_backend_response', { request, response, ttl: ttl() });
  }

  /** The head as the client is to get it. */
  deliver<H extends { readonly status: number; readonly reason: string; readonly fields: Fields }>(
    { admitted }: Pick<Proxied, 'admitted'>,
    client: string,
    head: H,
    hit: boolean,
  ): H | Promise<H> {
    if (!this.#policy?.hooks('vcl_deliver')) return head;
    const { status, fields } = head;
    const question = { request: policyRequest(admitted, client), response: { status, fields }, hit };
    return this.#policy.ask('vcl_deliver', question).then((decision) => delivered(head, decision));
  }
}

function policyRequest(
  { method, host, target: url, fields }: AdmittedRequest,
  client: string,
): PolicyRequest {
  return { method, host, url, fields, client };
}

function received(admitted: AdmittedRequest, decision: PolicyDecisions['vcl_recv'] | undefined): Received {
  if (!decision) return { kind: 'go', admitted, isPass: false };
  const { action, edits, url, synthetic } = decision;
  if (action === 'synth' && synthetic) return { kind: 'synthetic', synthetic };
  const fields = editedFields(admitted.fields, edits);
  // As strictly as that of a client.
  const target = url === undefined ? admitted.target : parseTarget('GET', url, [admitted.host]).target;
  return { kind: 'go', admitted: { ...admitted, fields, target }, isPass: action === 'pass' };
}

/** A status that says something else of the body than it was (RFC 9110 §6.4.1) is not a policy's to set here. */
function delivered<H extends { readonly status: number; readonly reason: string; readonly fields: Fields }>(
  head: H,
  decision: PolicyDecisions['vcl_deliver'] | undefined,
): H {
  if (!decision) return head;
  const { edits, status = head.status } = decision;
  const isSame = status === head.status || hasNoBody(status) || hasNoBody(head.status) || status === 206;
  const shown = isSame ? head : { ...head, status, reason: '' };
  return { ...shown, fields: editedFields(head.fields, edits) };
}

function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
