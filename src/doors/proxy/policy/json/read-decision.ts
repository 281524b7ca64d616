import { GuestFailure } from '../guest/guest-failure.ts';
import type { PolicyDecisions, PolicyHook, Synthetic } from '../policy.ts';
import { Answer } from './answer.ts';
import { readEdits, readSet } from './read-edits.ts';

const MAX_KEY_LENGTH = 4096;
const MAX_URL_LENGTH = 8192;
/** Of HTTP, which counts seconds in 31 bits. RFC 9111 §1.2.2. */
const MAX_SECONDS = 2 ** 31;
/** These have no body. RFC 9110 §6.4.1. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * What a guest's answer decides. Nothing at all, or an empty object, is to go on as without a policy.
 * Throws `GuestFailure` with what is wrong: a decision that is only half understood is none.
 */
export function readDecision<H extends PolicyHook>(hook: H, text: string): PolicyDecisions[H] {
  if (text === '') return READERS[hook](new Answer(hook, {}));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GuestFailure(
      'answer',
      `${hook} answered what is no JSON: ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  return READERS[hook](new Answer(hook, value));
}

const READERS: { readonly [H in PolicyHook]: (answer: Answer) => PolicyDecisions[H] } = {
  vcl_recv(answer) {
    answer.mayHave('action', 'url', 'set', 'remove', 'synth');
    const action = answer.choice('action', ['hash', 'pass', 'synth'], 'hash');
    const url = readUrl(answer);
    return {
      action,
      edits: readEdits(answer),
      ...(url === undefined ? {} : { url }),
      ...syntheticIf(action === 'synth', answer),
    };
  },
  vcl_hash(answer) {
    answer.mayHave('key');
    return { key: answer.text('key', MAX_KEY_LENGTH) ?? '' };
  },
  vcl_hit(answer) {
    answer.mayHave('action', 'synth');
    const action = answer.choice('action', ['deliver', 'pass', 'miss', 'synth'], 'deliver');
    return { action, ...syntheticIf(action === 'synth', answer) };
  },
  vcl_backend_fetch(answer) {
    answer.mayHave('action', 'set', 'remove', 'synth');
    const action = answer.choice('action', ['fetch', 'synth'], 'fetch');
    return { action, edits: readEdits(answer), ...syntheticIf(action === 'synth', answer) };
  },
  vcl_backend_response(answer) {
    answer.mayHave('ttl', 'grace', 'store', 'set', 'remove');
    const ttl = answer.number('ttl', 0, MAX_SECONDS);
    const grace = answer.number('grace', 0, MAX_SECONDS);
    const isStored = answer.flag('store');
    return {
      edits: readEdits(answer),
      ...(ttl === undefined ? {} : { ttl }),
      ...(grace === undefined ? {} : { grace }),
      ...(isStored === undefined ? {} : { isStored }),
    };
  },
  vcl_deliver(answer) {
    answer.mayHave('status', 'set', 'remove');
    const status = answer.wholeNumber('status', 200, 599);
    return { edits: readEdits(answer), ...(status === undefined ? {} : { status }) };
  },
};

function readUrl(answer: Answer): string | undefined {
  const url = answer.text('url', MAX_URL_LENGTH);
  if (url !== undefined && !/^\/[!-"$-~]*$/.test(url))
    throw answer.wrong('url', 'a path and query of visible ASCII that begins with "/", without a fragment');
  return url;
}

function syntheticIf(isWanted: boolean, answer: Answer): { synthetic?: Synthetic } {
  const synth = answer.part('synth');
  if (!isWanted && synth === undefined) return {};
  if (!isWanted) throw answer.wrong('synth', 'nothing, for "action" is not "synth"');
  if (synth === undefined) throw answer.wrong('synth', 'an answer, for "action" is "synth"');
  synth.mayHave('status', 'headers', 'body');
  const status = synth.wholeNumber('status', 200, 599);
  if (status === undefined) throw synth.wrong('status', 'a whole number between 200 and 599');
  const body = synth.text('body', Number.POSITIVE_INFINITY) ?? '';
  if (body !== '' && WITHOUT_BODY.has(status)) throw synth.wrong('body', `nothing, for a ${status} has none`);
  return { synthetic: { status, fields: readSet(synth, 'headers'), body } };
}
