import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parseByteSize } from '../../base/byte-size.ts';
import { parseDuration } from '../../base/duration.ts';
import { VelocityError } from '../../base/errors.ts';
import type { CliCommand, CommandContext } from '../command.ts';
import { EXIT, type Io } from '../io.ts';
import { parsedOption } from '../parsed-option.ts';
import { loadPolicySide } from '../server-side.ts';

const { tryPolicy, POLICY_HOOKS, policySettings } = await loadPolicySide();

type Trial = Awaited<ReturnType<typeof tryPolicy>>;
type Question = Parameters<typeof tryPolicy>[2];

/** `velocity policy test`: one call of a policy's hook, with a made-up request. */
export const policyCommand: CliCommand = {
  declare(command, context) {
    const test = command
      .command('test <policy>')
      .description('Call one hook of a policy, and print what it was asked and what it decides.')
      .option('--hook <hook>', `which: ${POLICY_HOOKS.join(', ')} (default: the first that it has)`)
      .option('--request <request>', 'method and URL', 'GET http://localhost/')
      .option('--client <address>', 'who asks', '127.0.0.1')
      .option('--response <status>', 'of what was stored, or of what the backend answered', '200')
      .option('--age <time>', 'of what was stored', '0s')
      .option('--ttl <time>', 'for how long a response stays fresh by the rules', '2m')
      .option('--miss', 'at vcl_deliver: the response is not from the cache')
      .option('--deadline <time>', 'how long the call may take', '20ms')
      .option('--max-memory <bytes>', 'how much memory of its own the policy may have', '16MiB')
      .option('--json', 'print it as JSON')
      .exitOverride();
    repeated(test, '--header <line>', 'of the request, "Name: value"; may be given several times');
    repeated(test, '--response-header <line>', 'of the response, likewise');
    test.action((policy: string) => testPolicy(policy, test, context));
  },
};

function repeated(command: Command, flags: string, description: string): void {
  const none: readonly string[] = [];
  command.option(flags, description, (line: string, before: readonly string[]) => [...before, line], none);
}

async function testPolicy(policy: string, command: Command, { io, exit }: CommandContext): Promise<void> {
  const limits = {
    deadline:
      parsedOption(command, 'deadline', parseDuration, 'a time such as 20ms') ??
      policySettings.policyDeadline.default,
    maxMemory:
      parsedOption(command, 'maxMemory', parseByteSize, 'a size such as 16MiB') ??
      policySettings.policyMaxMemory.default,
  };
  const hook = parsedOption(
    command,
    'hook',
    (text) => POLICY_HOOKS.find((each) => each === text),
    POLICY_HOOKS.join(' or '),
  );
  const trial = await tryPolicy(resolve(io.cwd, policy), hook, questionOf(command), limits);
  if (command.getOptionValue('json') === true) io.stdout.write(`${JSON.stringify(asJson(trial))}\n`);
  else print(trial, io);
  if (trial.failure) exit(EXIT.failed);
}

function questionOf(command: Command): Question {
  const { method, url } = requestOf(String(command.getOptionValue('request')));
  const fields = linesOf(command, 'header', '--header');
  const seconds = (name: string): number =>
    (parsedOption(command, name, parseDuration, 'a time such as 30s') ?? 0) / 1000;
  return {
    request: {
      method,
      host: url.host,
      url: url.pathname + url.search,
      fields: ['Host', url.host, ...fields],
      client: String(command.getOptionValue('client')),
    },
    response: {
      status: parsedOption(command, 'response', statusOf, 'a status such as 200') ?? 200,
      fields: linesOf(command, 'responseHeader', '--response-header'),
    },
    age: seconds('age'),
    ttl: seconds('ttl'),
    hit: command.getOptionValue('miss') !== true,
  };
}

function requestOf(text: string): { method: string; url: URL } {
  const [, method = 'GET', address = ''] = /^(?:([A-Z]+) +)?(https?:\/\/\S+)$/.exec(text) ?? [];
  if (URL.canParse(address)) return { method, url: new URL(address) };
  throw new VelocityError(
    'USAGE',
    `--request: expected a method and a URL such as "GET http://host/path", found "${text}".`,
  );
}

function statusOf(text: string): number | undefined {
  return /^[2-5]\d\d$/.test(text) ? Number(text) : undefined;
}

function linesOf(command: Command, name: string, flag: string): string[] {
  return (command.getOptionValue(name) as readonly string[]).flatMap((line) => {
    const [, field, value] = /^([^\s:]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (field === undefined || value === undefined)
      throw new VelocityError(
        'USAGE',
        `${flag}: expected a line such as "Accept: text/html", found "${line}".`,
      );
    return [field, value];
  });
}

function asJson({ question, answer, ...trial }: Trial): object {
  return { ...trial, question: JSON.parse(question), ...(answer === undefined ? {} : { answer }) };
}

function print(
  { hook, question, answer, decision, failure, said, duration, instructions }: Trial,
  io: Io,
): void {
  const end = failure
    ? `failure   ${failure.kind}: ${failure.message}`
    : `decision  ${JSON.stringify(decision)}`;
  const lines = [
    `hook      ${hook}`,
    `question  ${question}`,
    ...(answer === undefined ? [] : [`answer    ${answer || '(none)'}`]),
    end,
    ...said.map((line) => `log       ${line}`),
    `took      ${duration.toFixed(2)} ms, ${instructions} instructions`,
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
}
