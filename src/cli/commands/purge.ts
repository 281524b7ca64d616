import { VelocityError } from '../../base/errors.ts';
import { PURGE_PATH, parsePurgeReply } from '../../wire/purge.ts';
import { askAdmin, withAdminSocket } from '../admin/ask-admin.ts';
import type { CliCommand } from '../command.ts';

interface PurgeFlags {
  readonly tag?: readonly string[];
  readonly all?: true;
  readonly soft?: true;
}

/** `velocity purge`: takes what is meant out of the store of a proxy that is running, or makes it stale. */
export const purgeCommand: CliCommand = {
  declare(command, { io }) {
    withAdminSocket(command)
      .argument('[url]', 'what was asked for, with its query: all variants of it')
      .option('--tag <key...>', 'all that have one of these keys in Surrogate-Key or Cache-Tag')
      .option('--all', 'all that is stored')
      .option('--soft', 'make it stale instead: it may be sent while it is fetched anew')
      .action(async (url: string | undefined, { tag: tags, all, soft }: PurgeFlags) => {
        const named = [url, tags, all].filter((each) => each !== undefined);
        if (named.length !== 1)
          throw new VelocityError(
            'USAGE',
            'Say what to purge: a URL, or keys with --tag, or --all; one of these.',
          );
        const { purged } = await askAdmin(command, io, {
          method: 'POST',
          path: PURGE_PATH,
          message: { url, tags, all, soft },
          parse: parsePurgeReply,
        });
        io.stderr.write(
          `${purged} stored response${purged === 1 ? '' : 's'} ${soft ? 'made stale' : 'purged'}\n`,
        );
      });
  },
};
