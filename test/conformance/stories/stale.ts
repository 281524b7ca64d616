import { rules } from '../scene.ts';
import { answers, get, ok, wait } from '../steps.ts';

const first = get().fromOrigin(ok('one', 'Cache-Control: max-age=60', 'ETag: "a"'));

function forbidden(directive: string): Parameters<typeof rules>[3][string] {
  return [
    get().fromOrigin(ok('one', `Cache-Control: max-age=60, ${directive}`, 'ETag: "a"')),
    wait(61),
    get().fromOrigin('down').status(502),
  ];
}

rules(9111, '4.2.4', 'stale responses', {
  'one is sent where the origin cannot be reached, with its age': [
    first,
    wait(61),
    get().fromOrigin('down').gets(200, 'one').shows('Age', '61'),
  ],
  'one is sent for a day, and no longer': [first, wait(60 + 86_400), get().fromOrigin('down').status(502)],
  'one is not sent where the origin answers with an error': [first, wait(61), get().fromOrigin(answers(503))],
  'an error does not take it out of the store': [
    first,
    wait(61),
    get().fromOrigin(answers(503)),
    get().validated(answers(304), 'one'),
  ],
  'must-revalidate forbids it': forbidden('must-revalidate'),
  'proxy-revalidate forbids it': forbidden('proxy-revalidate'),
  's-maxage forbids it': forbidden('s-maxage=60'),
  'no-cache forbids it, however fresh': forbidden('no-cache'),
  'one that may still be validated is fresh again when the origin is back': [
    first,
    wait(61),
    get().fromOrigin('down').gets(200, 'one'),
    get().validated(answers(304), 'one'),
    wait(59),
    get().fromStore('one'),
  ],
});

const REVALIDATE = 'Cache-Control: max-age=60, stale-while-revalidate=30';

rules(5861, '3', 'stale-while-revalidate', {
  'within it a stale response is sent at once, and validated behind it': [
    get().fromOrigin(ok('one', REVALIDATE, 'ETag: "a"')),
    wait(89),
    get().fromStore('one').shows('Age', '89').refreshedBy(answers(304)).sends('If-None-Match', '"a"'),
    get().fromStore('one').shows('Age', '0'),
  ],
  'what comes in its place is for those who ask after': [
    get().fromOrigin(ok('one', REVALIDATE)),
    wait(61),
    get().fromStore('one').refreshedBy(ok('two', REVALIDATE)),
    get().fromStore('two'),
  ],
  'beyond it the origin is waited for': [
    get().fromOrigin(ok('one', REVALIDATE)),
    wait(90),
    get().fromOrigin(ok('two')),
  ],
  'must-revalidate forbids it': [
    get().fromOrigin(ok('one', `${REVALIDATE}, must-revalidate`)),
    wait(61),
    get().fromOrigin(ok('two')),
  ],
});

const ERROR = 'Cache-Control: max-age=60, stale-if-error=30';

rules(5861, '4', 'stale-if-error', {
  ...Object.fromEntries(
    [500, 502, 503, 504].map((status) => [
      `within it a stale response is sent instead of a ${status}`,
      [
        get().fromOrigin(ok('one', ERROR)),
        wait(89),
        get().fromOrigin(answers(status)).gets(200, 'one').shows('Age', '89'),
      ],
    ]),
  ),
  'within it a stale response is sent where the origin cannot be reached': [
    get().fromOrigin(ok('one', ERROR)),
    wait(89),
    get().fromOrigin('down').gets(200, 'one'),
  ],
  'beyond it an error is what the client gets': [
    get().fromOrigin(ok('one', ERROR)),
    wait(90),
    get().fromOrigin(answers(503)),
    get().fromOrigin('down').status(502),
  ],
  'it is about errors of the origin alone': [
    get().fromOrigin(ok('one', ERROR)),
    wait(61),
    get().fromOrigin(answers(404)),
  ],
  'must-revalidate forbids it': [
    get().fromOrigin(ok('one', `${ERROR}, must-revalidate`)),
    wait(61),
    get().fromOrigin(answers(503)),
  ],
});

rules(
  9111,
  '4.2.4',
  'stale responses, where the operator allows a grace',
  {
    'within it a stale response is sent at once': [
      first,
      wait(69),
      get().fromStore('one').refreshedBy(answers(304)),
    ],
    'the origin’s own word on it counts, where it has one': [
      get().fromOrigin(ok('one', 'Cache-Control: max-age=60, stale-while-revalidate=0')),
      wait(61),
      get().fromOrigin(ok('two')),
    ],
  },
  { graceSeconds: 10 },
);
