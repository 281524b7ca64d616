import { BAN_PATH, parseBanReply } from '../../wire/purge.ts';
import { askAdmin, withAdminSocket } from '../admin/ask-admin.ts';
import type { CliCommand } from '../command.ts';

/** `velocity ban`: nothing that a proxy has stored by now and that is so is sent any more. */
export const banCommand: CliCommand = {
  declare(command, { io }) {
    withAdminSocket(command)
      .argument('<expression>', 'such as \'req.host == "example.com" && req.url ~ "/blog/*"\'')
      .action(async (expression: string) => {
        const ban = await askAdmin(command, io, {
          method: 'POST',
          path: BAN_PATH,
          message: { expression },
          parse: parseBanReply,
        });
        io.stderr.write(`banned, of what was stored by ${ban.made}: ${ban.expression}\n`);
      });
  },
};
