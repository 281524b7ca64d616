import type { CacheKey } from '../../base/cache-key.ts';
import { unreachable } from '../../base/unreachable.ts';
import type { RunEvent, RunSummary, TaskOutcome } from '../../runner/events.ts';
import type { Task, TaskId } from '../../runner/task-graph/task.ts';
import type { Io } from '../io.ts';
import { LogLines } from './log-lines.ts';
import { openPalette, type Palette } from './palette.ts';
import type { LogOrder, OutputLogs, Reporter } from './reporter.ts';
import { describeOutcome, describeSummary } from './wording.ts';

export interface TerminalReporterOptions {
  readonly outputLogs: OutputLogs;
  readonly logOrder: LogOrder;
  /** Groups and annotations as GitHub Actions folds them. */
  readonly github: boolean;
}

const PREFIX_STYLES = ['cyan', 'magenta', 'green', 'yellow', 'blue'] as const;

/** Logs go to standard output, all talk about them to standard error. The screen is never taken over. */
export class TerminalReporter implements Reporter {
  readonly #io: Io;
  readonly #options: TerminalReporterOptions;
  readonly #palette: Palette;
  readonly #lines = new Map<TaskId, LogLines>();
  #prefixes = 0;

  constructor(io: Io, options: TerminalReporterOptions) {
    this.#io = io;
    this.#options = options;
    this.#palette = openPalette(io);
  }

  on(event: RunEvent): void {
    switch (event.type) {
      case 'begin': {
        const { tasks, packages, remote } = event;
        const caches = remote ? 'local and remote cache' : 'local cache';
        this.#say(
          `${tasks} ${tasks === 1 ? 'task' : 'tasks'} in ${packages} ${packages === 1 ? 'package' : 'packages'}, ${caches}`,
        );
        break;
      }
      case 'task-begin':
        break;
      case 'task-output':
        if (this.#streams()) this.#linesOf(event.task).add(event.chunk);
        break;
      case 'task-end':
        this.#endTask(event);
        break;
      case 'warning':
        this.#warn(event.message);
        break;
      case 'notice':
        this.#say(event.message);
        break;
      case 'uploads':
        this.#say(
          `sending ${event.waitingFor} ${event.waitingFor === 1 ? 'artifact' : 'artifacts'} to the remote cache`,
        );
        break;
      case 'end':
        this.#endRun(event.summary);
        break;
      default:
        unreachable(event);
    }
  }

  #streams(): boolean {
    const { outputLogs, logOrder } = this.#options;
    return logOrder === 'stream' && (outputLogs === 'full' || outputLogs === 'new-only');
  }

  #endTask({ task, key, outcome, log }: Extract<RunEvent, { type: 'task-end' }>): void {
    if (this.#options.outputLogs === 'none') return;
    const streamed = this.#streams() && outcome.status !== 'hit';
    if (streamed) this.#linesOf(task).end();
    const shows = this.#showsLog(outcome);
    if (shows && this.#options.logOrder === 'grouped') {
      this.#showGroup(task, key, outcome, log());
      return;
    }
    if (shows && !streamed) {
      const lines = this.#linesOf(task);
      lines.add(log());
      lines.end();
    }
    this.#say(this.#status(task, key, outcome));
  }

  #showsLog(outcome: TaskOutcome): boolean {
    switch (this.#options.outputLogs) {
      case 'full':
        return outcome.status !== 'passed-over';
      case 'new-only':
        return (
          outcome.status === 'executed' || outcome.status === 'failed' || outcome.status === 'interrupted'
        );
      case 'errors-only':
        return outcome.status === 'failed';
      default:
        return false;
    }
  }

  /** On one stream, so that title, log and end stay together whoever collects them. */
  #showGroup(task: Task, key: CacheKey, outcome: TaskOutcome, log: Buffer): void {
    const shown = this.#palette.log(log);
    const endsOpen = shown.length > 0 && shown.at(-1) !== 0x0a;
    const title = this.#status(task, key, outcome);
    // A group cannot be opened for the reader: what failed is therefore in none.
    const folds = this.#options.github && outcome.status !== 'failed' && shown.length > 0;
    const head = folds ? `::group::${title}\n` : `${title}\n`;
    const foot = `${endsOpen ? '\n' : ''}${folds ? '::endgroup::\n' : ''}`;
    this.#io.stdout.write(Buffer.concat([Buffer.from(head), shown, Buffer.from(foot)]));
  }

  #status({ id }: Task, key: CacheKey, outcome: TaskOutcome): string {
    const hash = this.#options.outputLogs === 'hash-only' ? ` ${key}` : '';
    const styles = {
      hit: 'green',
      executed: 'cyan',
      failed: 'red',
      interrupted: 'yellow',
      'passed-over': 'gray',
    } as const;
    return `${this.#palette.paint('bold', id)}: ${this.#palette.paint(styles[outcome.status], describeOutcome(outcome, key))}${hash}`;
  }

  #endRun(summary: RunSummary): void {
    for (const id of summary.failed) {
      if (this.#options.github)
        this.#io.stdout.write(`::error title=${escapeProperty(id)}::${escapeData(`${id} failed`)}\n`);
      this.#say(this.#palette.paint('red', `failed: ${id}`));
    }
    const style = summary.failed.length > 0 ? 'red' : 'bold';
    this.#say(this.#palette.paint(style, describeSummary(summary)));
  }

  #linesOf({ id }: Task): LogLines {
    let lines = this.#lines.get(id);
    if (!lines) {
      const style = PREFIX_STYLES[this.#prefixes++ % PREFIX_STYLES.length] ?? 'cyan';
      // Whole lines: a chunk may end in the middle of an escape sequence.
      lines = new LogLines(this.#palette.paint(style, `${id}: `), (whole) =>
        this.#io.stdout.write(this.#palette.log(whole)),
      );
      this.#lines.set(id, lines);
    }
    return lines;
  }

  #warn(message: string): void {
    const text = `${this.#palette.paint('yellow', 'warning')}: ${message}`;
    this.#io.stderr.write(`${this.#options.github ? `::warning::${escapeData(message)}` : text}\n`);
  }

  #say(text: string): void {
    this.#io.stderr.write(`${text}\n`);
  }
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
