import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { VelocityError } from '../../base/errors.ts';
import type { PointInTime } from '../../files/file-reader.ts';
import type { FileReading } from '../../files/file-reading.ts';
import type { FoundNamed } from '../../files/folder.ts';
import { answerLines } from './answer-lines.ts';
import { answerListing } from './answer-listing.ts';
import { answerText } from './answer-text.ts';
import type { FilesContext } from './context.ts';
import type { FileAddress } from './file-address.ts';
import { gathering } from './gathering.ts';
import { answerHistory } from './history.ts';
import { gatherListing, type ListedEntry } from './listing.ts';
import { missing, missingThen } from './missing.ts';
import type { MountName } from './mounts/mount-table.ts';
import { parseReadQuery } from './read-query.ts';
import { sendFile } from './send-file.ts';
import { answerStat } from './stat.ts';
import { refuseLargeDiff, unifiedDiff } from './unified-diff.ts';

/**
 * Answers a GET or a HEAD, of now or of the past.
 * @throws VelocityError `BAD_REQUEST`, `NOT_FOUND`, `NOT_RETAINED`, `PRECONDITION_FAILED`, `RANGE_UNSATISFIABLE`, `STORAGE_*`
 */
export async function getFile(
  request: FastifyRequest,
  response: ServerResponse,
  { path, query: text, written }: FileAddress,
  context: FilesContext,
): Promise<void> {
  const { files, mounts } = context;
  const query = parseReadQuery(text);
  switch (query.kind) {
    case 'stat':
      return answerStat(response, path, files);
    case 'hash':
      return answerText(request, response, `${await hashOf(query.at)}\n`);
    case 'history':
      return answerHistory(response, path, query, files);
    case 'diff':
      return answerText(request, response, await diffOf(query.from, query.to));
    case 'content': {
      const opened = query.at ? await openPast(query.at) : await files.reader.open(path);
      // A folder that is there because a mount lies below it is one, too.
      const isFolder = opened === 'folder' || (!opened && !query.at && mounts.mountsBelow(path).length > 0);
      if (isFolder && query.lines)
        throw new VelocityError('PATH_CONFLICT', `${path} is a folder, and has no lines.`);
      if (isFolder) {
        const listing = await gatherListing(path, listed(files.list(path), mounts.mountsBelow(path)));
        return answerListing(request, response, listing, {
          ...{ written, wantsJson: query.wantsJson },
          onBytes: context.sent(request),
        });
      }
      if (!opened) throw missing(files, path, response);
      if (query.lines)
        return answerLines(request, response, opened.stream(), query.lines, context.sent(request));
      return sendFile(request.raw, response, path, opened, context.sent(request));
    }
  }

  async function openPast(point: PointInTime): Promise<FileReading> {
    const opened = await files.reader.openPast(path, point);
    if ('kind' in opened) throw missingThen(opened, response);
    return opened;
  }

  async function openFile(point: PointInTime | undefined): Promise<FileReading> {
    if (point) return openPast(point);
    const opened = await files.reader.open(path);
    if (opened && opened !== 'folder') return opened;
    throw missing(files, path, response);
  }

  async function hashOf(point: PointInTime | undefined): Promise<string> {
    using opened = await openFile(point);
    const digest = opened.facts.sha256 ?? (await files.digestOf(path));
    if (digest === undefined) throw missing(files, path, response);
    return digest;
  }

  async function diffOf(from: PointInTime, to: PointInTime | undefined): Promise<string> {
    return gathering.run(0, async () => unifiedDiff(path, await readText(from), await readText(to)));
  }

  async function readText(point: PointInTime | undefined): Promise<{ bytes: Buffer; label: string }> {
    using opened = await openFile(point);
    const label = opened.facts.revision === undefined ? 'as it is now' : `revision ${opened.facts.revision}`;
    refuseLargeDiff(opened.facts.sizeBytes, label);
    const chunks: Buffer[] = [];
    for await (const chunk of opened.stream()) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), label };
  }
}

/** What is neither a file, a folder nor a link is nobody's business; a mount hides what is in its place. */
async function* listed(
  entries: AsyncIterable<FoundNamed>,
  mounts: readonly MountName[],
): AsyncIterable<ListedEntry> {
  const hidden = new Set(mounts.map(({ name }) => name));
  for (const { name, modifiedAt } of mounts) yield { name, type: 'folder', modifiedAt };
  for await (const { name, kind, sizeBytes, modifiedAt } of entries)
    if (kind !== 'other' && !hidden.has(name))
      yield { name, type: kind, modifiedAt, sizeBytes: kind === 'file' ? sizeBytes : undefined };
}
