import { digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';

export const NAME = 'github-actions';

/** GitHub's own limit. */
export const MAX_KEY_LENGTH = 512;
const MAX_VERSION_LENGTH = 512;
/** Object keys end at 1,024 bytes, of which the longest names of tenant and scope and what is below take 218. */
const MAX_SPELLED_LENGTH = 800;

/**
 * What an entry is called: `github-actions/<SHA-256 of the version>/<key>`.
 *
 * The key is spelled so that any text can stand in an object key and keeps its beginning: letters, digits, `-` and `_`
 * stand for themselves, every other byte of UTF-8 is `~` and two hex digits. So keys with a common beginning, and no
 * others, have spellings with a common beginning, and one listing by prefix finds them. (Not `%`: it would be encoded
 * again in every URL.)
 * @throws VelocityError `BAD_REQUEST` for a key that is empty, longer than 512 characters, or longer than 800 when spelled
 */
export function entryName(version: string, key: string): string {
  if (version === '' || version.length > MAX_VERSION_LENGTH)
    throw refused('version', `must have 1 to ${MAX_VERSION_LENGTH} characters`);
  if (key === '' || key.length > MAX_KEY_LENGTH || !key.isWellFormed())
    throw refused('key', `must have 1 to ${MAX_KEY_LENGTH} characters`);
  const spelled = spell(key);
  if (spelled.length > MAX_SPELLED_LENGTH)
    throw refused('key', `has too many characters that are no letters, digits, "-" or "_"`);
  return `${NAME}/${digestOf(version)}/${spelled}`;
}

/** The key that an entry's name was made of. */
export function keyOf(name: string): string {
  const spelled = name.slice(name.lastIndexOf('/') + 1);
  const bytes = spelled.replace(/~([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/**
 * Wireit's keys. It opens no URL but `https`, where told another it crashes; and what it cannot download it takes for
 * restored, without its outputs. https://github.com/google/wireit/blob/main/src/caching/github-actions-cache.ts
 */
export function isWireitKey(key: string): boolean {
  return /^wireit-[0-9a-f]{64}$/.test(key);
}

function spell(key: string): string {
  let spelled = '';
  for (const byte of Buffer.from(key)) {
    const letter = String.fromCharCode(byte);
    spelled += /[A-Za-z0-9_-]/.test(letter) ? letter : `~${byte.toString(16).padStart(2, '0')}`;
  }
  return spelled;
}

function refused(field: string, why: string): VelocityError {
  return new VelocityError('BAD_REQUEST', `${field} ${why}.`, { field });
}
