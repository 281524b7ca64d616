import assert from 'node:assert/strict';
import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { cacheUri } from '../../src/http-cache/cache-uri.ts';
import type { CachePolicy } from '../../src/http-cache/policy.ts';
import { CachingServer } from '../rig/caching-server.ts';
import { fieldsOf } from '../rig/heads.ts';
import { HttpServer } from '../rig/http-server.ts';
import { ManualClock } from '../rig/manual-clock.ts';
import { until } from '../rig/until.ts';
import { type Answer, type Ask, CUT_OFF, type Wait } from './steps.ts';

type Steps = readonly (Ask | Wait)[];

/**
 * Tests of one section, each a story of requests to a cache that begins empty.
 * @param rfc its number
 * @param stories by the rule they tell of
 */
export function rules(
  rfc: number,
  section: string,
  about: string,
  stories: Readonly<Record<string, Steps>>,
  policy: Partial<CachePolicy> = {},
): void {
  const link = `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${section}`;
  describe(`RFC ${rfc} §${section}, ${about}: ${link}`, () => {
    for (const [rule, steps] of Object.entries(stories))
      test(rule, async () => {
        await using scene = await Scene.open(policy);
        for (const [index, step] of steps.entries()) {
          if ('seconds' in step) scene.clock.advance(step.seconds * 1000);
          else await scene.play(step, `step ${index + 1}, ${step.method} ${step.target}`);
        }
      });
  });
}

interface Received {
  readonly message: IncomingMessage;
  readonly body: string;
  readonly interims: readonly { readonly status: number; readonly headers: IncomingHttpHeaders }[];
}

/** What the origin has to say during a step, and what it was asked. */
interface Script {
  answers: readonly Answer[];
  asked: IncomingMessage[];
}

/** A cache on a clock that is turned by hand, before an origin that answers as each step says. */
export class Scene implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly #origin: HttpServer;
  readonly #cache: CachingServer;
  readonly #script: Script;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(clock: ManualClock, origin: HttpServer, cache: CachingServer, script: Script) {
    this.clock = clock;
    this.#origin = origin;
    this.#cache = cache;
    this.#script = script;
  }

  static async open(policy: Partial<CachePolicy> = {}): Promise<Scene> {
    const clock = new ManualClock();
    const script: Script = { answers: [], asked: [] };
    const origin = await HttpServer.start((message, response) => {
      message.resume();
      writeAnswer(script.answers[script.asked.length], clock.now(), response);
      script.asked.push(message);
    });
    const cache = await CachingServer.start({ origin: origin.url, policy, clock });
    return new Scene(clock, origin, cache, script);
  }

  /** Sends a request, and holds what comes of it against what was to come. @returns what the client got */
  async play(step: Ask, name: string): Promise<Received> {
    this.#script.answers = step.origins;
    this.#script.asked = [];
    const received = await this.#ask(step);
    if (step.isInBackground) await until(async () => this.#cache.proxy.flights === 0);
    const uri = cacheUri('http', new URL(this.#cache.url).host, step.target);
    if (uri) await this.#cache.opened.store.settled(uri);

    const { message, body } = received;
    const { asked } = this.#script;
    // A kept connection that closes is tried once more, on a new one.
    const expected = step.origins.at(-1) === 'down' ? Math.max(asked.length, 1) : step.origins.length;
    assert.equal(asked.length, expected, `${name}: questions to the origin`);
    if (step.seen) {
      assert.equal(message.statusCode, step.seen.status, `${name}: status; ${body}`);
      if (step.seen.body !== undefined) assert.equal(body, step.seen.body, `${name}: body`);
    }
    hold(message.headers, step.shown, `${name}: the response's`);
    hold(asked.at(-1)?.headers ?? {}, step.sent, `${name}: what the origin was sent as`);
    return received;
  }

  #ask({ method, target, lines, body }: Ask): Promise<Received> {
    const { hostname, port, host } = new URL(this.#cache.url);
    const length = body === '' ? [] : ['Content-Length', String(body.length)];
    const own = lines.some((line) => line.startsWith('Host:')) ? [] : ['Host', host];
    const headers = [...own, ...fieldsOf(...lines), ...length];
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const interims: { status: number; headers: IncomingHttpHeaders }[] = [];
    request({ agent: this.#agent, hostname, port, method, path: target, headers })
      .on('information', (interim) => interims.push({ status: interim.statusCode, headers: interim.headers }))
      .on('response', (message) => {
        const end = (received: string): void => resolve({ message, body: received, interims });
        text(message).then(end, () => end(CUT_OFF));
      })
      .on('error', reject)
      .end(body);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#cache[Symbol.asyncDispose]();
    await this.#origin[Symbol.asyncDispose]();
  }
}

function writeAnswer(answer: Answer | undefined, now: number, response: ServerResponse): void {
  if (answer === undefined || answer === 'down') {
    response.destroy();
    return;
  }
  const { status, lines, body, isDated, isCutOff, interims } = answer;
  for (const [interim, ...theirs] of interims) response.writeInformation(interim, [...fieldsOf(...theirs)]);
  const fields = [...fieldsOf(...lines)];
  const has = (name: string): boolean => lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
  response.sendDate = false; // the machine's, not the clock's
  if (isDated && !has('date')) fields.push('Date', new Date(now).toUTCString());
  if (status !== 204 && status !== 304 && !has('content-length'))
    fields.push('Content-Length', String(Buffer.byteLength(body)));
  response.writeHead(status, fields);
  if (isCutOff) response.write(body, () => response.destroy());
  else response.end(body);
}

function hold(
  actual: IncomingHttpHeaders,
  expected: ReadonlyMap<string, string | RegExp | undefined>,
  whose: string,
): void {
  for (const [name, value] of expected) {
    const found = actual[name];
    if (value instanceof RegExp) assert.match(String(found), value, `${whose} ${name}`);
    else assert.equal(Array.isArray(found) ? found.join(', ') : found, value, `${whose} ${name}`);
  }
}
