import { byteSize, duration, names, text } from '../config/kinds.ts';
import type { Settings, Values } from '../config/setting.ts';

/** The folder with a memory. Without `files.root` there is none. */
export const filesSettings = {
  filesRoot: {
    key: 'files.root',
    kind: text(),
    doc: 'Folder that `/files/…` reads and writes; made where it is missing. Without it there is no such address. What the server keeps beside the files is in `.velocity` in it.',
  },
  filesHosts: {
    key: 'files.hosts',
    kind: names('hosts'),
    doc: 'Names of hosts that are for files alone: there `/cache/x` is what `/files/cache/x` is elsewhere.',
  },
  filesHistoryMaxAge: {
    key: 'files.history.max_age',
    kind: duration(),
    default: 90 * 24 * 3600_000,
    doc: 'How long the journal is kept: which file was written, moved or deleted, when and by whom.',
  },
  filesHistoryBodiesFor: {
    key: 'files.history.bodies_for',
    kind: duration(),
    default: 7 * 24 * 3600_000,
    doc: 'How long the bytes of files are kept after they were replaced or deleted, to be read with `?revision` and `?at`.',
  },
  filesHistoryMaxBytes: {
    key: 'files.history.max_bytes',
    kind: byteSize(),
    default: 10 * 2 ** 30,
    doc: 'How much disk they may take together; the oldest go first.',
  },
  filesHistoryMaxBody: {
    key: 'files.history.max_body',
    kind: byteSize(),
    default: 2 * 2 ** 30,
    doc: 'Of larger files the history has hash and size alone. With 0 of all.',
  },
  filesPruneUnread: {
    key: 'files.prune.unread',
    kind: duration(),
    doc: 'Files that nobody has read for so long are removed, once an hour. Without it none are.',
  },
  filesPruneMaxSize: {
    key: 'files.prune.max_size',
    kind: byteSize(),
    doc: 'How much all files may take; once an hour those unread for longest are removed until they do. Without it there is no limit.',
  },
} as const satisfies Settings;

export type FilesSettings = Values<typeof filesSettings>;
