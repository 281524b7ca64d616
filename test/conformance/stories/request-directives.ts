import { rules } from '../scene.ts';
import { answers, get, head, ok, wait } from '../steps.ts';

const first = get().fromOrigin(ok('one', 'Cache-Control: max-age=60', 'ETag: "a"'));
const validated = (...lines: readonly string[]) =>
  get(...lines)
    .validated(answers(304), 'one')
    .sends('If-None-Match', '"a"');

rules(9111, '5.2.1.1', 'max-age of a request', {
  'what is as old will do': [first, wait(10), get('Cache-Control: max-age=10').fromStore('one')],
  'what is older is validated': [first, wait(11), validated('Cache-Control: max-age=10')],
  'the age with which it came counts': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60', 'ETag: "a"', 'Age: 11')),
    validated('Cache-Control: max-age=10'),
  ],
  'of 0 it asks for a new one, within the same second, too': [first, validated('Cache-Control: max-age=0')],
  'it makes nothing fresher than it is': [first, wait(60), validated('Cache-Control: max-age=600')],
});

rules(9111, '5.2.1.2', 'max-stale', {
  'what is stale by as much will do': [first, wait(70), get('Cache-Control: max-stale=10').fromStore('one')],
  'what is stale by more is validated': [first, wait(71), validated('Cache-Control: max-stale=10')],
  'without a number anything will do': [
    first,
    wait(100_000),
    get('Cache-Control: max-stale').fromStore('one'),
  ],
  ...Object.fromEntries(
    ['must-revalidate', 'proxy-revalidate', 's-maxage=60', 'no-cache'].map((forbidding) => [
      `${forbidding} of the response forbids it`,
      [
        get().fromOrigin(ok('one', `Cache-Control: max-age=60, ${forbidding}`, 'ETag: "a"')),
        wait(61),
        validated('Cache-Control: max-stale=600'),
      ],
    ]),
  ),
});

rules(9111, '5.2.1.3', 'min-fresh', {
  'what stays fresh for as long will do': [
    first,
    wait(50),
    get('Cache-Control: min-fresh=10').fromStore('one'),
  ],
  'what does not is validated': [first, wait(51), validated('Cache-Control: min-fresh=10')],
});

rules(9111, '5.2.1.4', 'no-cache of a request', {
  'what is stored is validated, however fresh': [first, validated('Cache-Control: no-cache')],
  'what comes of it is stored for others': [
    first,
    get('Cache-Control: no-cache').fromOrigin(ok('two', 'Cache-Control: max-age=60')),
    get().fromStore('two'),
  ],
  'better an error than what could not be validated': [
    first,
    get('Cache-Control: no-cache').fromOrigin('down').status(502).lacks('Age'),
  ],
});

rules(9111, '5.2.1.5', 'no-store of a request', {
  'what comes of it is not stored': [
    get('Cache-Control: no-store').fromOrigin(ok('one', 'Cache-Control: max-age=60')),
    get().fromOrigin(ok('two')),
  ],
});

rules(9111, '5.2.1.7', 'only-if-cached', {
  'what is stored will do': [first, get('Cache-Control: only-if-cached').fromStore('one')],
  'where nothing is stored the answer is 504, without asking': [
    get('Cache-Control: only-if-cached').status(504),
  ],
  'where what is stored is stale the answer is 504': [
    first,
    wait(60),
    get('Cache-Control: only-if-cached').status(504),
  ],
  'stale will do where the client says so': [
    first,
    wait(61),
    get('Cache-Control: only-if-cached, max-stale').fromStore('one'),
  ],
  'a HEAD is no different': [head('Cache-Control: only-if-cached').status(504)],
});

rules(
  9111,
  '5.2.1',
  'where the operator does not let clients have a say',
  {
    'directives of a request mean nothing': [
      first,
      wait(11),
      get('Cache-Control: no-cache, max-age=10, min-fresh=600').fromStore('one'),
    ],
  },
  { heedsRequestDirectives: false },
);
