import type { ServerResponse } from 'node:http';
import { type FilePath, nameOf } from '../../files/file-path.ts';
import { fileState } from '../../files/file-state.ts';
import type { Files } from '../../files/files.ts';
import { answerJson } from '../../http/json.ts';
import { missing } from './missing.ts';

/** Answers `?stat`: what the disk says of a path, and which revision it is. */
export async function answerStat(response: ServerResponse, path: FilePath, files: Files): Promise<void> {
  const { folder, journal } = files;
  const found = await folder.look(path);
  if (!found || found.kind === 'other') throw missing(files, path, response);
  const { kind, sizeBytes, mode, uid, gid, modifiedAt, usedAt } = found;
  const { entry, content } = fileState(journal, path, found);
  const isFile = kind === 'file';
  answerJson(response, 200, {
    ...{ name: nameOf(path), path, type: kind },
    size: isFile ? sizeBytes : undefined,
    sha256: content?.sha256,
    permissions: mode.toString(8).padStart(3, '0'),
    ...{ owner: uid, group: gid },
    modified: new Date(modifiedAt).toISOString(),
    read: new Date(usedAt).toISOString(),
    target: kind === 'link' ? await folder.targetOf(path) : undefined,
    revision: entry?.seq,
    revisions: journal.head(path)?.seq ?? 0,
  });
}
