import { readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { VelocityError } from '../../base/errors.ts';
import { type OnJournalTrouble, unavailable } from './journal-trouble.ts';

/** Says in the file’s head that it is ours (`VCJ1`), and of which layout. */
const APPLICATION_ID = 0x56434a31;
const LAYOUT = 1;

/** Result codes of SQLite (sqlite.org/rescode.html), of which the lower byte says the kind. */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const SCHEMA = `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    seq INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    op TEXT NOT NULL,
    is_there INTEGER NOT NULL,
    line TEXT NOT NULL
  );
  CREATE INDEX by_path ON entries (path, seq, op);
  CREATE INDEX by_op ON entries (op);
  CREATE TABLE files (
    day TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    last_id INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${LAYOUT};
`;

/**
 * Opens the index’s database, or makes it: where there is none, and where what is there is damaged, of a foreign make, or
 * was in use when the machine went down, for nothing of it is synced. It is this process’ alone until it is closed.
 * @throws VelocityError `JOURNAL_UNAVAILABLE` where another process has it open, or none can be made
 */
export function openIndexDatabase(path: string, onTrouble: OnJournalTrouble): DatabaseSync {
  try {
    const database = openOwn(path);
    if (database) return database;
    onTrouble('index-removed');
  } catch (error) {
    if (resultCode(error) === SQLITE_BUSY) throw inUse(path, error);
    onTrouble('index-removed', error);
  }
  return makeIndexDatabase(path);
}

/** In the place of whatever is there. Throws as `openIndexDatabase` does. */
export function makeIndexDatabase(path: string): DatabaseSync {
  try {
    removeIndexDatabase(path);
    const database = openOwn(path);
    if (database) return database;
  } catch (error) {
    if (resultCode(error) === SQLITE_BUSY) throw inUse(path, error);
    throw unavailable('has no index, and none can be made', error);
  }
  throw new VelocityError(
    'JOURNAL_UNAVAILABLE',
    `Something makes files where the index is meant to be: ${path}`,
  );
}

/** Syncs it, so that it can be believed after a power cut. */
export function closeIndexDatabase(database: DatabaseSync): void {
  try {
    database.exec("PRAGMA synchronous = FULL; INSERT OR REPLACE INTO state VALUES ('isOpen', 0)");
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

export function removeIndexDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal'])
    rmSync(`${path}${suffix}`, { force: true, recursive: true });
}

/** A line in the database is not what was put in. */
export class DamagedRow extends Error {}

/** Whether the database itself is damaged, and no later try will be of use. */
export function isDamage(error: unknown): boolean {
  return error instanceof DamagedRow || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(resultCode(error) ?? 0);
}

/** `undefined`: it is not one that can be believed. */
function openOwn(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // The lock comes with the first access, and stays.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec('PRAGMA cache_size = -32768; BEGIN IMMEDIATE');
    if (!isOurs(database) && !isEmpty(database)) throw new Error('It is a database of something else.');
    if (isEmpty(database)) database.exec(SCHEMA);
    const isBelieved = wasClosed(database);
    const mark = database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?)');
    mark.run('isOpen', 1);
    mark.run('boot', thisBoot());
    database.exec('COMMIT; PRAGMA synchronous = OFF');
    if (isBelieved) return database;
  } catch (error) {
    database.close();
    throw error;
  }
  database.close();
  return undefined;
}

function isOurs(database: DatabaseSync): boolean {
  return (
    numberOf(database, 'application_id') === APPLICATION_ID && numberOf(database, 'user_version') === LAYOUT
  );
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}

/** What a process wrote that was killed is with the system, which has gone on since. */
function wasClosed(database: DatabaseSync): boolean {
  const state = database.prepare('SELECT value FROM state WHERE name = ?');
  return (
    state.get('isOpen')?.['value'] !== 1 || (thisBoot() !== '' && state.get('boot')?.['value'] === thisBoot())
  );
}

function numberOf(database: DatabaseSync, pragma: string): unknown {
  return database.prepare(`PRAGMA ${pragma}`).get()?.[pragma];
}

/** A name that the machine has until it goes down; `''` where the system gives none. */
function thisBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function resultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

function inUse(path: string, cause: unknown): VelocityError {
  const message = `Another process uses the journal of files. Give each server a folder of its own. (${path})`;
  return new VelocityError('JOURNAL_UNAVAILABLE', message, { cause });
}
