import { realpathSync } from 'node:fs';
import { formatByteSize } from '../../base/byte-size.ts';
import { clean } from '../../runner/clean.ts';
import { findWorkspaceRoot } from '../../runner/workspace/find-root.ts';
import type { CliCommand } from '../command.ts';
import { EXIT } from '../io.ts';
import { printMistakes } from '../print-mistakes.ts';

/** `velocity clean`: the local cache and what the runner remembers; with `--outputs`, what tasks made. */
export const cleanCommand: CliCommand = {
  declare(command, { io, exit }) {
    command
      .option('--outputs', 'remove the outputs of all tasks instead; what git tracks stays')
      .option('--all', 'remove both')
      .option('--dry', 'say what would be removed, and remove nothing')
      .action(async () => {
        const all = command.getOptionValue('all') === true;
        const outputs = command.getOptionValue('outputs') === true;
        const root = realpathSync(findWorkspaceRoot(io.cwd));
        const cleaned = await clean({
          root,
          env: io.env,
          cacheDir: io.env['VELOCITY_CACHE_DIR'] || undefined,
          cache: all || !outputs,
          outputs: all || outputs,
          dry: command.getOptionValue('dry') === true,
        });
        if (!cleaned.ok) {
          printMistakes(cleaned.mistakes, io, root);
          exit(EXIT.usage);
          return;
        }
        for (const { path, sizeBytes } of cleaned.value)
          io.stdout.write(`${path}\t${formatByteSize(sizeBytes)}\n`);
      });
  },
};
