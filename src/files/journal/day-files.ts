import { open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../storage/drivers/local/make-folder.ts';

/** The format of the files in it; a new one gets a new folder. */
const FOLDER = 'journal-v1';
const FILE = /^(?<day>\d{4}-\d{2}-\d{2})\.jsonl$/;
const NEWLINE = 0x0a;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface DayFile {
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** The journal as files, one for each day on which something happened. All else can be made of them. */
export class DayFiles {
  /** In which the journal keeps all it has. */
  readonly root: string;
  /** In which the days are. */
  readonly folder: string;

  private constructor(root: string) {
    this.root = root;
    this.folder = join(root, FOLDER);
  }

  /** Makes the folders. */
  static async open(root: string): Promise<DayFiles> {
    const files = new DayFiles(root);
    await makeFolder(files.folder);
    return files;
  }

  pathOf(day: string): string {
    return join(this.folder, `${day}.jsonl`);
  }

  /** The oldest first. What has another name is nobody's concern. */
  async list(): Promise<readonly DayFile[]> {
    const days: DayFile[] = [];
    for (const name of (await readdir(this.folder)).sort()) {
      const day = FILE.exec(name)?.groups?.['day'];
      if (day === undefined || dayOf(startOf(day)) !== day) continue;
      const path = this.pathOf(day);
      days.push({ day, path, sizeBytes: (await stat(path)).size });
    }
    return days;
  }

  /** Whether the last write to it was cut off in the middle: it has bytes, and the last of them is no newline. */
  async endsTorn(day: string): Promise<boolean> {
    const handle = await open(this.pathOf(day), 'r');
    try {
      const { size } = await handle.stat();
      if (size === 0) return false;
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
      return buffer[0] !== NEWLINE;
    } finally {
      await handle.close();
    }
  }

  /** One that is not there is removed. */
  async remove(day: string): Promise<void> {
    await unlink(this.pathOf(day)).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  }
}

/** Entries of a day come in a row, and its name takes as long to spell as a call of the system. */
let lastAsked = { day: Number.NaN, name: '' };

/** @param ts milliseconds since the epoch */
export function dayOf(ts: number): string {
  if (Number.isNaN(ts)) return '';
  const day = Math.floor(ts / DAY_MS);
  if (day !== lastAsked.day) lastAsked = { day, name: new Date(ts).toISOString().slice(0, 10) };
  return lastAsked.name;
}

/** The first moment after a day, in milliseconds since the epoch. */
export function endOf(day: string): number {
  return startOf(day) + DAY_MS;
}

/** `NaN`: there is no such day. */
function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
