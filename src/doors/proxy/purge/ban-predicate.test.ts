import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import { parseBanExpression } from './ban-expression.ts';
import { banPredicate } from './ban-predicate.ts';
import type { StoredSubject } from './stored-subject.ts';

const MADE_AT = Date.UTC(2026, 0, 1);
const SUBJECT: StoredSubject = {
  uri: 'https://shop.example:8443/blog/a?page=2' as CacheUri,
  status: 404,
  fields: ['Content-Type', 'image/png', 'X-Tag', 'one', 'x-tag', 'two'],
  storedAt: MADE_AT - 60_000,
};

const VERDICTS: Readonly<Record<string, boolean>> = {
  'req.url == "/blog/a?page=2"': true,
  'req.url == "/blog/a"': false,
  'req.url ~ "/blog/*"': true,
  'req.url !~ "/blog/*"': false,
  'req.host == "Shop.Example:8443"': true,
  'req.host ~ "*.example"': false,
  'req.host ~ "*.example*"': true,
  'obj.http.CONTENT-TYPE ~ "image/*"': true,
  'obj.http.x-tag == "one, two"': true,
  'obj.http.x-none == ""': false,
  'obj.http.x-none ~ "*"': false,
  'obj.http.x-none != "a"': true,
  'obj.http.x-none !~ "a"': true,
  'obj.status == 404': true,
  'obj.status != 404': false,
  'obj.status > 404': false,
  'obj.status > 399 && obj.status < 500': true,
  'obj.age > 59': true,
  'obj.age > 1m': false,
  'obj.age < 1m': false,
  'obj.age < 61s': true,
  'req.url ~ "/blog/*" && obj.status == 200': false,
};

for (const [expression, verdict] of Object.entries(VERDICTS))
  test(`«${expression}» ${verdict ? 'bans' : 'does not ban'} the response`, () => {
    assert.equal(banPredicate(parseBanExpression(expression))(SUBJECT, MADE_AT), verdict);
  });
