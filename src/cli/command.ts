import type { Command } from 'commander';
import type { Io } from './io.ts';

/** One command of the CLI. */
export interface CliCommand {
  /** Declares arguments, options and the action; an action that does not end well calls `exit` with its code. */
  declare(command: Command, io: Io, exit: (code: number) => void): void;
}
