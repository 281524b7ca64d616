/**
 * The blocks that an Azure blob is put together from, as its clients name them.
 * https://learn.microsoft.com/rest/api/storageservices/put-block-list
 */
import { VelocityError } from '../../../base/errors.ts';

/** Azure takes 50,000; a blob of 5 GiB in blocks of 4 MiB, the smallest that clients use, has 1,280. */
export const MAX_BLOCKS = 10_000;
/** Of the whole document: some 120 bytes a block. */
export const MAX_BLOCK_LIST_BYTES = 2 * 1024 * 1024;

/** Base64 of at most 64 bytes. */
const BLOCK_ID = /^[A-Za-z0-9+/]{1,88}={0,2}$/;
const [OPENING, CLOSING] = ['<BlockList>', '</BlockList>'];
const ITEM = /\s*<(Latest|Uncommitted|Committed)>([^<]{0,90})<\/\1>/y;

/** @throws VelocityError `BAD_REQUEST` */
export function parseBlockId(text: string): string {
  if (!BLOCK_ID.test(text))
    throw new VelocityError('BAD_REQUEST', 'blockid must be base64 of at most 64 bytes.', {
      field: 'blockid',
    });
  return text;
}

/**
 * The ids of a block list in its order. Where a block comes from makes no difference here: of each id there is one.
 * @throws VelocityError `BAD_REQUEST`
 */
export function parseBlockList(xml: string): string[] {
  const document = xml.replace(/^\uFEFF/, '').trim();
  const [head = ''] = /^<\?xml[^<>]{0,200}\?>/.exec(document) ?? [];
  const root = document.slice(head.length).trim();
  if (/^<BlockList\s?\/>$/.test(root)) return [];
  if (!root.startsWith(OPENING) || !root.endsWith(CLOSING)) throw malformed('it is no <BlockList>');
  const list = root.slice(OPENING.length, -CLOSING.length);
  const ids = new Set<string>();
  ITEM.lastIndex = 0;
  for (let end = 0; ; end = ITEM.lastIndex) {
    const item = ITEM.exec(list);
    if (!item) {
      if (list.slice(end).trim() !== '') throw malformed('it holds something that is no block');
      return [...ids];
    }
    const id = parseBlockId((item[2] ?? '').trim());
    // No client repeats one; a small block that is would make the largest entry there may be.
    if (ids.has(id)) throw malformed('it names a block twice');
    ids.add(id);
    if (ids.size > MAX_BLOCKS) throw malformed(`it holds more than ${MAX_BLOCKS} blocks`);
  }
}

function malformed(why: string): VelocityError {
  return new VelocityError('BAD_REQUEST', `The block list cannot be read: ${why}.`, { field: 'body' });
}
