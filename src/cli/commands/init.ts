import { appendFileSync, existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectRepository } from '../../runner/init/detect-repository.ts';
import { velocityFileText } from '../../runner/init/write-velocity-file.ts';
import { VELOCITY_FILE } from '../../runner/workspace/velocity-file.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';

/** Where editors find the schema in a repository that has this package installed. */
const SCHEMA_URL = './node_modules/velocitycache/schema/velocity.json';
const IGNORED = '.velocity/';

/** `velocity init`: writes a `velocity.yml` from what is here. Never overwrites. */
export const initCommand: CliCommand = {
  declare(command, { io, exit }) {
    command.option('--print', 'print the file instead of writing it').action(async () => {
      const path = join(io.cwd, VELOCITY_FILE);
      const printOnly = command.getOptionValue('print') === true;
      if (lstatSync(path, { throwIfNoEntry: false }) && !printOnly) {
        io.stderr.write(
          `velocity: there is a ${VELOCITY_FILE} already; it was left as it is. See a new one with --print.\n`,
        );
        exit(EXIT.failed);
        return;
      }
      const detected = await detectRepository(io.cwd, io.env);
      const text = velocityFileText(detected, SCHEMA_URL);
      if (printOnly) {
        io.stdout.write(text);
        return;
      }
      writeFileSync(path, text, { flag: 'wx' });
      io.stderr.write(`found: ${detected.findings.join(', ') || 'nothing known'}\nwrote ${VELOCITY_FILE}\n`);
      if (ignoreVelocityFolder(join(io.cwd, '.gitignore')))
        io.stderr.write(`added ${IGNORED} to .gitignore\n`);
      const [first] = detected.tasks;
      io.stderr.write(`\nNext: velocity run ${first?.name ?? 'build'} --dry\n`);
    });
  },
};

/** The local cache is nobody's source. */
function ignoreVelocityFolder(path: string): boolean {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (/^\/?\.velocity\/?$/m.test(text)) return false;
  appendFileSync(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${IGNORED}\n`);
  return true;
}
