import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBanReply, parseBansReply, parsePurgeReply } from './purge.ts';

const BAN = { expression: 'obj.status == 404', made: '2026-01-01T00:00:00.000Z', banned: 2 };

test('replies are read as they were written', () => {
  assert.deepEqual(parsePurgeReply({ purged: 1, soft: false }), { purged: 1, soft: false });
  assert.deepEqual(parseBanReply(BAN), BAN);
  assert.deepEqual(parseBansReply({ bans: [BAN, BAN] }), { bans: [BAN, BAN] });
  assert.deepEqual(parseBansReply({ bans: [] }), { bans: [] });
});

test('what is of another form is no reply', () => {
  for (const raw of [undefined, null, 5, [], {}, { purged: '1', soft: false }, { purged: 1 }])
    assert.equal(parsePurgeReply(raw), undefined, JSON.stringify(raw));
  for (const raw of [null, {}, { ...BAN, made: 0 }, { ...BAN, banned: undefined }])
    assert.equal(parseBanReply(raw), undefined, JSON.stringify(raw));
  for (const raw of [null, [BAN], { bans: {} }, { bans: [BAN, {}] }])
    assert.equal(parseBansReply(raw), undefined, JSON.stringify(raw));
});
