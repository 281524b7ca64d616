/** Many who read and change the same paths at once. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { OpenedTempFiles } from '../../test/rig/opened-files.ts';
import { digestOf } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import type { FilePath } from './file-path.ts';

const FILE = 'folder/file' as FilePath;

/** Bodies of one length, so that only their bytes tell them apart; some are written at once, some in pieces. */
function bodyOf(writer: number, turn: number, size: number): string {
  return `${writer}.${turn}.`
    .padEnd(12, '.')
    .repeat(Math.ceil(size / 12))
    .slice(0, size);
}

function codeOf(error: unknown): string {
  return error instanceof VelocityError ? error.code : String(error);
}

describe('many writers and readers of one path', () => {
  for (const size of [60, 200_000])
    test(`make revisions one after the other, and see whole bytes with their own tag (${size} bytes)`, async () => {
      await using opened = await OpenedTempFiles.open();
      await opened.put(FILE, bodyOf(0, 0, size));
      const written: string[] = [digestOf(bodyOf(0, 0, size))];
      let isDone = false;
      const write = async (writer: number): Promise<void> => {
        for (let turn = 1; turn <= 12; turn++) {
          const body = bodyOf(writer, turn, size);
          const { seq } = await opened.put(FILE, body);
          written[seq - 1] = digestOf(body);
        }
      };
      const seen = new Set<number>();
      const read = async (): Promise<void> => {
        while (!isDone) {
          const { text: body = '', etag, revision } = (await opened.read(FILE)) ?? {};
          assert.equal(etag, digestOf(body));
          assert.ok(revision, 'it is a revision');
          seen.add(revision);
          await nextTurn();
        }
      };
      const readers = [read(), read(), read()];
      await Promise.all(Array.from({ length: 8 }, (_, at) => write(at + 1)));
      isDone = true;
      await Promise.all(readers);
      const history = opened.files.journal.history(FILE, { limit: 1000 });
      assert.deepEqual(
        history.map(({ op, after }) => [op, after?.sha256]),
        written.map((digest, at) => [at === 0 ? 'create' : 'write', digest]),
      );
      assert.deepEqual(
        history.slice(1).map(({ before }) => before?.sha256),
        written.slice(0, -1),
        'each knows what it replaced',
      );
      assert.equal(digestOf((await opened.read(FILE))?.text ?? ''), written.at(-1));
      assert.ok(seen.size > 1);
      assert.deepEqual(opened.temporary, []);
    });

  test('who write it only if it is not there are told so but for one', async () => {
    await using opened = await OpenedTempFiles.open();
    const check = (state: object | undefined): void => {
      if (state) throw new VelocityError('PRECONDITION_FAILED', 'there');
    };
    for (let round = 0; round < 25; round++) {
      const path = `round/${round}` as FilePath;
      const puts = await Promise.allSettled(
        Array.from({ length: 16 }, (_, i) =>
          opened.files.put(path, Readable.from([Buffer.from(`${i}`)]), { check }),
        ),
      );
      const winners = puts.flatMap((put, at) => (put.status === 'fulfilled' ? [at] : []));
      assert.equal(winners.length, 1);
      assert.equal(opened.onDisk(path), String(winners[0]));
      assert.deepEqual(opened.opsOf(path), ['create']);
    }
  });

  test('who append to it lose nothing that was answered, and write nothing twice', async () => {
    await using opened = await OpenedTempFiles.open();
    await opened.put(FILE, '');
    const append = async (writer: number): Promise<void> => {
      for (let turn = 0; turn < 5; turn++)
        for (;;)
          try {
            const line = Readable.from([Buffer.from(`${writer}.${turn}\n`)]);
            await opened.files.patch(FILE, line, 'append', {});
            break;
          } catch (error) {
            assert.equal(codeOf(error), 'PATH_BUSY');
          }
    };
    await Promise.all(Array.from({ length: 6 }, (_, at) => append(at)));
    const lines = opened.onDisk(FILE).trimEnd().split('\n');
    assert.equal(lines.length, 30);
    assert.equal(new Set(lines).size, 30);
    assert.deepEqual(opened.opsOf(FILE), ['create', ...lines.map(() => 'append')]);
  });
});

test('a patch of a file that became another and then again the same is refused', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put(FILE, 'same');
  const body = new PassThrough();
  const patched = opened.files.patch(FILE, body, 'append', {});
  body.write('!');
  while (opened.temporary.length === 0) await nextTurn();
  await opened.put(FILE, 'other');
  await opened.put(FILE, 'same');
  body.end();
  await assert.rejects(patched, { code: 'PATH_BUSY' });
  assert.equal(opened.onDisk(FILE), 'same');
  assert.deepEqual(opened.temporary, []);
});

test('a question while a change is under way notes nothing in the journal', async () => {
  await using opened = await OpenedTempFiles.open();
  const puts = Array.from({ length: 20 }, (_, i) => opened.put(FILE, `${i}`));
  let isDone = false;
  const ask = async (): Promise<void> => {
    while (!isDone) {
      await opened.files.stateOf(FILE);
      await opened.files.copy(FILE, 'copy' as FilePath, { overwrite: true }).catch(() => {});
      await nextTurn();
    }
  };
  const asking = ask();
  await Promise.all(puts);
  isDone = true;
  await asking;
  assert.equal(opened.opsOf(FILE).includes('gap'), false);
});

describe('a folder that is removed or moved', () => {
  test('goes once, however many ask', async () => {
    await using opened = await OpenedTempFiles.open();
    for (let round = 0; round < 10; round++) {
      await opened.put('folder/a', 'x');
      await opened.put('folder/b/c', 'x');
      const removals = await Promise.all(
        Array.from({ length: 4 }, () => opened.files.remove('folder' as FilePath, {})),
      );
      assert.equal(removals.filter(Boolean).length, 1);
      await opened.put('folder/a', 'x');
      const moves = await Promise.allSettled(
        Array.from({ length: 4 }, (_, i) =>
          opened.files.move('folder' as FilePath, `moved/${round}-${i}` as FilePath, { overwrite: false }),
        ),
      );
      assert.equal(moves.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const move of moves)
        if (move.status === 'rejected') assert.equal(codeOf(move.reason), 'NOT_FOUND');
    }
    assert.deepEqual(opened.temporary, []);
  });

  test('while others write below it leaves what the journal says, and bytes of whole files', async () => {
    await using opened = await OpenedTempFiles.open();
    const refused = new Set<string>();
    const attempt = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error) => refused.add(codeOf(error)));
    const at = (path: string): FilePath => path as FilePath;
    const work = async (worker: number): Promise<void> => {
      for (let turn = 0; turn < 40; turn++) {
        const tree = `tree${randomInt(2)}`;
        const file = `${tree}/sub/${randomInt(4)}`;
        switch (randomInt(8)) {
          case 0:
            await attempt(opened.files.remove(at(tree), {}));
            break;
          case 1:
            await attempt(opened.files.move(at(tree), at(`tree${randomInt(2)}`), { overwrite: false }));
            break;
          case 2:
            await attempt(
              opened.files.move(at(file), at(`${tree}/sub/${randomInt(4)}`), { overwrite: true }),
            );
            break;
          case 3:
            await attempt(opened.files.remove(at(file), {}));
            break;
          case 4:
            await attempt(opened.put(`${tree}/sub`, 'a file where a folder may be'));
            break;
          case 5:
            await attempt(opened.files.makeFolder(at(`${tree}/sub/${randomInt(4)}`), {}));
            break;
          default:
            await attempt(opened.put(file, `${worker}.${turn}`));
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
    for (const code of refused) assert.ok(['PATH_CONFLICT', 'NOT_FOUND'].includes(code), code);

    for await (const { path, found } of opened.files.folder.walk('' as FilePath)) {
      if (found.kind !== 'file') continue;
      const { text: body = '', etag } = (await opened.read(path)) ?? {};
      assert.equal(etag, digestOf(body), path);
      assert.equal(opened.files.journal.head(path)?.after?.sha256, etag, path);
    }
    assert.deepEqual(opened.temporary, []);
    await opened.restart();
    assert.deepEqual(opened.opened.left, { finished: 0, swept: 0 });
  });
});

test('a change waits for one of the same path, ten seconds at most, and then says that it may be sent again', async () => {
  await using opened = await OpenedTempFiles.open();
  await opened.put('tree/file', 'x');
  const past = await opened.files.reader.openPast('tree/file' as FilePath, { seq: 1 });
  assert.ok('facts' in past);
  // The entry of a removal waits for that of a change, which this test holds up.
  const { journal } = opened.files;
  const held = Promise.withResolvers<void>();
  const append = journal.append.bind(journal);
  journal.append = async (draft) => {
    if (draft.by === 'slow') await held.promise;
    return append(draft);
  };
  const slow = opened.files.put('tree/file' as FilePath, Readable.from([Buffer.from('slow')]), {
    by: 'slow',
  });
  while (opened.temporary.length === 0) await nextTurn();
  for (let i = 0; i < 20; i++) await nextTurn();
  const busy = [opened.put('tree/file', 'y'), opened.files.remove('tree' as FilePath, {})].map((work) =>
    assert.rejects(work, { code: 'PATH_BUSY', status: 409 }),
  );
  while (!opened.clock.isWaitedFor(10_000)) await nextTurn();
  for (let i = 0; i < 20; i++) await nextTurn();
  await opened.put('other', 'not held up');
  opened.clock.advance(10_000);
  await Promise.all(busy);
  held.resolve();
  await slow;
  assert.equal(await text(past.stream()), 'x');
  assert.equal(opened.onDisk('tree/file'), 'slow');
});
