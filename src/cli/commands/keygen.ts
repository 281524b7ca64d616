import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, systemCode, VelocityError } from '../../base/errors.ts';
import type { CliCommand } from '../command.ts';
import { loadPresignSide } from '../server-side.ts';

const { generatePresignKeys } = await loadPresignSide();

/** Only the owner reads it: whoever has the private key opens every object. */
const MODE = 0o600;

/** `velocity keygen`: the key pair with which an object gateway's URLs are signed and checked. Those of artifacts: `key.ts`. */
export const keygenCommand: CliCommand = {
  declare(command, { io }) {
    command
      .description(
        'Make the key pair with which URLs of an object gateway are signed (`velocity sign`) and checked (`velocity serve`), as YAML for --config. Keys for artifacts of builds are others: `velocity key new`.',
      )
      .option('--out <file>', 'write it into this file, which must not be there yet, instead of printing it')
      .action(({ out }: { readonly out?: string }) => {
        const { publicKey, privateKey } = generatePresignKeys();
        const text = `auth:\n  public_key: "${publicKey}"\n  private_key: "${privateKey.reveal()}"\n`;
        if (out === undefined) {
          io.stdout.write(text);
          return;
        }
        write(resolve(io.cwd, out), out, text);
        io.stderr.write(
          `wrote ${out}, which its owner alone may read. Its private key signs URLs; a server that only checks them gets the public key: ${publicKey}\n`,
        );
      });
  },
};

function write(path: string, shown: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: MODE });
  } catch (error) {
    const why =
      systemCode(error) === 'EEXIST'
        ? `There is a file ${shown} already. It was left as it is: a new key would make every URL signed with the old one worthless.`
        : `Could not write ${shown}: ${messageOf(error)}.`;
    throw new VelocityError('USAGE', why);
  }
}
