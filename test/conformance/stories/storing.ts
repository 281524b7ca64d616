import { rules } from '../scene.ts';
import { answers, CUT_OFF, cutOff, get, ok, send } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';

rules(9111, '3', 'what is stored', {
  'a response that says how long it lasts answers the next request': [
    get().fromOrigin(ok('one', MINUTE)),
    get().fromStore('one'),
  ],
  'a response answers for its own path and query alone': [
    get().at('/a').fromOrigin(ok('one', MINUTE)),
    get().at('/b').fromOrigin(ok('two', MINUTE)),
    get().at('/a?x').fromOrigin(ok('three', MINUTE)),
    get().at('/a').fromStore('one'),
  ],
  'a response answers for its own host alone': [
    get('Host: a.test').fromOrigin(ok('one', MINUTE)),
    get('Host: b.test').fromOrigin(ok('two', MINUTE)),
    get('Host: A.test').fromStore('one'),
  ],
  'a response of which nothing says that it may be reused is not stored': [
    get().fromOrigin(answers(302, 'Location: /other')),
    get().fromOrigin(answers(302, 'Location: /other')),
  ],
  'an answer to PUT is not stored, whatever it says': [
    send('PUT').carrying('new').fromOrigin(ok('put', MINUTE)),
    get().fromOrigin(ok('one')),
  ],
  'an answer to a method that nobody knows is not stored': [
    send('REPORT').fromOrigin(ok('report', MINUTE)),
    send('REPORT').fromOrigin(ok('report', MINUTE)),
    get().fromOrigin(ok('one')),
  ],
  'a field of an extension changes nothing': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60, community="UCI"')),
    get().fromStore('one'),
  ],
});

const STORED_STATUSES = [
  200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 399, 400, 401, 403, 404, 405,
].concat([410, 414, 418, 429, 451, 499, 500, 501, 502, 503, 504, 599]);

rules(
  9111,
  '3',
  'which statuses are stored',
  Object.fromEntries(
    STORED_STATUSES.map((status) => [
      `a ${status} that says how long it lasts is stored`,
      [
        get().fromOrigin(answers(status, MINUTE)),
        get().fromStore(status === 204 ? '' : String(status), status),
      ],
    ]),
  ),
);

rules(9110, '9.3.3', 'answers to POST', {
  'an answer to POST that a GET would get, by its Content-Location and lifetime, answers a GET': [
    send('POST')
      .carrying('form')
      .fromOrigin(ok('one', MINUTE, 'Content-Location: /thing')),
    get().fromStore('one'),
  ],
  'an answer to POST without Content-Location is not stored': [
    send('POST').carrying('form').fromOrigin(ok('one', MINUTE)),
    get().fromOrigin(ok('two')),
  ],
  'an answer to POST whose lifetime would be a guess is not stored': [
    send('POST')
      .carrying('form')
      .fromOrigin(ok('one', 'Content-Location: /thing', 'Last-Modified: Mon, 01 Dec 2025 00:00:00 GMT')),
    get().fromOrigin(ok('two')),
  ],
});

rules(9111, '3.1', 'which fields are stored', {
  'what Connection names is about one connection and goes to nobody': [
    get()
      .fromOrigin(ok('one', MINUTE, 'Connection: X-Hop', 'X-Hop: 1', 'X-End: 2'))
      .lacks('X-Hop')
      .shows('X-End', '2'),
    get().fromStore('one').lacks('X-Hop').shows('X-End', '2'),
  ],
  'fields that nobody knows are stored, each line of them': [
    get().fromOrigin(ok('one', MINUTE, 'X-Line: a', 'X-Line: b')),
    get().fromStore('one').shows('X-Line', 'a, b'),
  ],
  'a response without Date gets the one of when it came': [
    get().fromOrigin({ ...ok('one', MINUTE), isDated: false }),
    get().fromStore('one').shows('Date', 'Thu, 01 Jan 2026 00:00:00 GMT'),
  ],
});

rules(9111, '3.3', 'incomplete responses', {
  'a body that ends before its announced length is cut off for the client and not stored': [
    get()
      .fromOrigin(cutOff('on', 3, MINUTE))
      .gets(200, CUT_OFF),
    get().fromOrigin(ok('one', MINUTE)),
    get().fromStore('one'),
  ],
});

const ALICE = 'Authorization: Basic YWxpY2U6YQ==';

rules(9111, '3.5', 'requests with Authorization', {
  'what one user was answered is not for others': [
    get(ALICE).fromOrigin(ok('hers', MINUTE)),
    get().fromOrigin(ok('one')),
  ],
  ...Object.fromEntries(
    ['public', 's-maxage=60', 'must-revalidate'].map((permission) => [
      `what one user was answered is for all by ${permission}`,
      [get(ALICE).fromOrigin(ok('all', `Cache-Control: max-age=60, ${permission}`)), get().fromStore('all')],
    ]),
  ),
  'what is stored without Authorization answers a request with it': [
    get().fromOrigin(ok('one', MINUTE)),
    get(ALICE).fromStore('one'),
  ],
});

rules(9111, '5.2.2.3', 'must-understand', {
  'it lifts no-store for a status that is understood': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60, no-store, must-understand')),
    get().fromStore('one'),
  ],
  'it forbids to store a status that is not understood': [
    get().fromOrigin(answers(299, 'Cache-Control: max-age=60, must-understand')),
    get().fromOrigin(answers(299)),
  ],
});

rules(9111, '5.2.2.4', 'no-cache', {
  'a response with it is validated each time': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60, no-cache', 'ETag: "a"')),
    get().validated(answers(304, 'ETag: "a"'), 'one').sends('If-None-Match', '"a"'),
  ],
  'fields that it names are left out of what comes from the store': [
    get().fromOrigin(
      ok('one', 'Cache-Control: max-age=60, no-cache="X-Own, X-Other"', 'X-Own: 1', 'X-All: 2'),
    ),
    get().fromStore('one').lacks('X-Own').shows('X-All', '2'),
  ],
});

rules(9111, '5.2.2.5', 'no-store', {
  'a response with it is not stored': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60, no-store')),
    get().fromOrigin(ok('two')),
  ],
  'in capitals, on a line of its own, it says the same': [
    get().fromOrigin(ok('one', MINUTE, 'Cache-Control: No-Store')),
    get().fromOrigin(ok('two')),
  ],
  'within a quoted string it says nothing': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60, note="a, no-store, b"')),
    get().fromStore('one'),
  ],
});

rules(9111, '5.2.2.7', 'private', {
  'a response with it is not stored by a cache that many share': [
    get().fromOrigin(ok('one', 'Cache-Control: private, max-age=60')),
    get().fromOrigin(ok('two')),
  ],
  'fields that it names are left out of what comes from the store': [
    get()
      .fromOrigin(ok('one', 'Cache-Control: max-age=60, private="X-Own"', 'X-Own: 1'))
      .shows('X-Own', '1'),
    get().fromStore('one').lacks('X-Own'),
  ],
});

const COOKIE = 'Set-Cookie: id=1';

rules(9111, '7.3', 'cookies', {
  'a response that sets one is stored where it says how long it lasts': [
    get().fromOrigin(ok('one', MINUTE, COOKIE)),
    get().fromStore('one').shows('Set-Cookie', 'id=1'),
  ],
  'a response that sets one is not stored on a guess': [
    get().fromOrigin(ok('one', COOKIE, 'Last-Modified: Mon, 01 Dec 2025 00:00:00 GMT')),
    get().fromOrigin(ok('two')),
  ],
});

rules(
  9111,
  '7.3',
  'cookies, where the operator wants none stored',
  {
    'a response that sets one is not stored, whatever it says': [
      get().fromOrigin(ok('one', MINUTE, COOKIE)),
      get().fromOrigin(ok('two')),
    ],
  },
  { neverWithSetCookie: true },
);
