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

/** What a policy has to say on the way of a request; without one, nothing, at no cost. */
export class PolicySteps {
  readonly #policy: Policy | undefined;

  constructor(policy: Policy | undefined) {
    this.#policy = policy;
  }

  async receive(admitted: AdmittedRequest, client: string): Promise<Received> {
    const decision = this.#policy?.hooks('vcl_recv')
      ? await this.#policy.ask('vcl_recv', { request: policyRequest(admitted, client) })
      : undefined;
    return received(admitted, decision);
  }

  /** What parts equal URIs. */
  async hash(admitted: AdmittedRequest, client: string): Promise<string> {
    if (!this.#policy?.hooks('vcl_hash')) return '';
    const decision = await this.#policy.ask('vcl_hash', { request: policyRequest(admitted, client) });
    return decision?.key ?? '';
  }

  async hit(
    admitted: AdmittedRequest,
    client: string,
    response: PolicyResponse,
    age: number,
    ttl: number,
  ): Promise<PolicyDecisions['vcl_hit'] | undefined> {
    if (!this.#policy?.hooks('vcl_hit')) return undefined;
    return this.#policy.ask('vcl_hit', { request: policyRequest(admitted, client), response, age, ttl });
  }

  /** The request as it goes to the backend, or what is answered instead. */
  async fetch(
    outgoing: OriginRequest,
    host: string,
    client: string,
  ): Promise<OriginRequest | { readonly synthetic: Synthetic }> {
    if (!this.#policy?.hooks('vcl_backend_fetch')) return outgoing;
    const { method, target, fields } = outgoing;
    const request = { method, host, url: target, fields, client };
    const decision = await this.#policy.ask('vcl_backend_fetch', { request });
    if (!decision) return outgoing;
    if (decision.action === 'synth' && decision.synthetic) return { synthetic: decision.synthetic };
    return { ...outgoing, fields: editedFields(fields, decision.edits) };
  }

  async backendResponse(
    outgoing: OriginRequest,
    host: string,
    client: string,
    response: PolicyResponse,
    ttl: () => number | null,
  ): Promise<PolicyDecisions['vcl_backend_response'] | undefined> {
    if (!this.#policy?.hooks('vcl_backend_response')) return undefined;
    const { method, target, fields } = outgoing;
    const request = { method, host, url: target, fields, client };
    return this.#policy.ask('vcl_backend_response', { request, response, ttl: ttl() });
  }

  /** The head as the client is to get it. */
  async deliver<H extends { readonly status: number; readonly reason: string; readonly fields: Fields }>(
    { admitted }: Pick<Proxied, 'admitted'>,
    client: string,
    head: H,
    hit: boolean,
  ): Promise<H> {
    if (!this.#policy?.hooks('vcl_deliver')) return head;
    const { status, fields } = head;
    const question = { request: policyRequest(admitted, client), response: { status, fields }, hit };
    return delivered(head, await this.#policy.ask('vcl_deliver', question));
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
