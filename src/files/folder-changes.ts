import { childOf, type FilePath } from './file-path.ts';
import { fileState, isMadeBy } from './file-state.ts';
import type { Folder, Found } from './folder.ts';
import type { Incoming } from './incoming.ts';
import type { Journal } from './journal/journal.ts';
import type { Content, EntryDraft } from './journal/journal-entry.ts';

/** Entries are written down in pieces, so that a folder of a million files takes no memory. */
const ENTRIES_AT_ONCE = 500;

/** Changes of a folder with all that lies in it, each in one step and with an entry for each file. For who holds its lock. */
export class FolderChanges {
  readonly #folder: Folder;
  readonly #journal: Journal;
  readonly #incoming: Incoming;

  constructor(folder: Folder, journal: Journal, incoming: Incoming) {
    this.#folder = folder;
    this.#journal = journal;
    this.#incoming = incoming;
  }

  /** Where the folder lies then, to be discarded. */
  async takeAway(path: FilePath, by: string | undefined): Promise<string> {
    await this.#eachFile(path, async (file, found) => [
      { op: 'delete', path: file, before: fileState(this.#journal, file, found).content, by },
    ]);
    await this.#journal.append({ op: 'dir_deleted', path, by });
    return this.#folder.takeAway(path);
  }

  async move(path: FilePath, target: FilePath, by: string | undefined): Promise<void> {
    await this.#journal.appendAll([
      { op: 'dir_moved_from', path, other: target, by },
      { op: 'dir_moved_to', path: target, other: path, by },
    ]);
    await this.#folder.place(this.#folder.pathOf(path), target);
    // Now each file has another name; its entry gives it its time.
    await this.#eachFile(target, async (file, found) => {
      const from = childOf(path, file.slice(target.length + 1));
      const content = this.#knownContent(from, found) ?? (await this.#incoming.measure(file));
      return [
        { op: 'moved_from', path: from, before: content, other: file, by },
        { op: 'moved_to', path: file, after: content, other: from, by },
      ];
    });
  }

  /** Of a file that has been moved from where the journal knows it. */
  #knownContent(from: FilePath, found: Found): Content | undefined {
    const head = this.#journal.head(from);
    return head && isMadeBy(head, found) ? head.after : undefined;
  }

  /** Writes down what `draft` says of each file, some hundred at once; files that moved get their entry's time. */
  async #eachFile(
    folder: FilePath,
    draft: (file: FilePath, found: Found) => Promise<readonly EntryDraft[]>,
  ): Promise<void> {
    let drafts: EntryDraft[] = [];
    const write = async (): Promise<void> => {
      for (const { op, path, ts } of await this.#journal.appendAll(drafts))
        if (op === 'moved_to') await this.#folder.setTimes(path, ts, ts);
      drafts = [];
    };
    for await (const { path, found } of this.#folder.walk(folder)) {
      if (found.kind !== 'file') continue;
      drafts.push(...(await draft(path, found)));
      if (drafts.length >= ENTRIES_AT_ONCE) await write();
    }
    if (drafts.length > 0) await write();
  }
}
