import type { Command } from 'commander';
import type { Io } from './io.ts';

/** What a command is given besides its own part of the command line. */
export interface CommandContext {
  readonly io: Io;
  /** The arguments after `--`: not ours, but for what we run. */
  readonly extraArguments: readonly string[];
  /** An action that does not end well calls this with its exit code. */
  exit(code: number): void;
}

/** One command of the CLI. */
export interface CliCommand {
  /** Spells out what Commander cannot read, of the arguments behind the command's name. */
  spell?(args: readonly string[]): readonly string[];
  /** Declares arguments, options and the action. */
  declare(command: Command, context: CommandContext): void;
}
