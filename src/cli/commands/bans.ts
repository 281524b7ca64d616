import { BANS_PATH, parseBansReply } from '../../wire/purge.ts';
import { askAdmin, withAdminSocket } from '../admin/ask-admin.ts';
import type { CliCommand } from '../command.ts';

/** `velocity bans`: a line for each, with when it was made and how many stored responses it was about so far. */
export const bansCommand: CliCommand = {
  declare(command, { io }) {
    withAdminSocket(command).action(async () => {
      const { bans } = await askAdmin(command, io, { method: 'GET', path: BANS_PATH, parse: parseBansReply });
      for (const { made, banned, expression } of bans) io.stdout.write(`${made}\t${banned}\t${expression}\n`);
    });
  },
};
