import type { Readable } from 'node:stream';
import { VelocityError } from '../../base/errors.ts';
import { privateKeyRefusal, SIGNING_KEY_VARIABLE, SigningKey } from '../../runner/signatures/signing-key.ts';
import type { CliCommand } from '../command.ts';
import type { Io } from '../io.ts';

/** More than any key, and than whatever is given for one by mistake. */
const MAX_INPUT_BYTES = 64 * 1024;

/** `velocity key new|public`: the keys with which artifacts are signed and checked. Those of presigned URLs: `keygen.ts`. */
export const keyCommand: CliCommand = {
  declare(command, { io }) {
    command
      .command('new')
      .description('Make a key pair, and print the private key this once.')
      .action(() => {
        const key = SigningKey.generate();
        io.stdout.write(`${key.text.reveal()}\n`);
        io.stderr.write(
          `Builds that sign get this private key as ${SIGNING_KEY_VARIABLE}. It is kept nowhere and not shown again.\n` +
            `Builds that check trust its public key, below remote.signature.trusted: ${key.publicKey.text}\n`,
        );
      });
    command
      .command('public')
      .description(
        `Print the public key of the private one in ${SIGNING_KEY_VARIABLE}, or on standard input.`,
      )
      .action(async () => {
        io.stdout.write(`${(await givenKey(io)).publicKey.text}\n`);
      });
  },
};

async function givenKey({ env, stdin }: Io): Promise<SigningKey> {
  const inVariable = env[SIGNING_KEY_VARIABLE];
  const text = inVariable || (await readAll(stdin));
  const key = SigningKey.parse(text);
  if (key) return key;
  const where = inVariable ? SIGNING_KEY_VARIABLE : 'standard input';
  throw new VelocityError('USAGE', `${where}: ${privateKeyRefusal(text)}.`);
}

async function readAll(stdin: Readable): Promise<string> {
  if ('isTTY' in stdin && stdin.isTTY === true) return ''; // nobody types a key
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) break;
  }
  return Buffer.concat(chunks).toString().trim();
}
