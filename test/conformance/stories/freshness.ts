import { dateIn } from '../../rig/heads.ts';
import { rules } from '../scene.ts';
import { answers, get, ok, wait } from '../steps.ts';

/** Of responses that came at the start: fresh for so many seconds, and not for one more. */
function lasts(seconds: number, ...lines: readonly string[]): Parameters<typeof rules>[3][string] {
  const first = get().fromOrigin(ok('one', ...lines));
  if (seconds === 0) return [first, get().fromOrigin(ok('two', 'Cache-Control: no-store'))];
  return [
    first,
    wait(seconds - 1),
    get().fromStore('one'),
    wait(1),
    get().fromOrigin(ok('two', 'Cache-Control: no-store')),
  ];
}

rules(9111, '4.2.1', 'how long a response is fresh', {
  'max-age is counted from when it was made': lasts(60, 'Cache-Control: max-age=60'),
  's-maxage counts for a shared cache, not max-age': lasts(60, 'Cache-Control: max-age=5, s-maxage=60'),
  's-maxage counts, where it is shorter, too': lasts(5, 'Cache-Control: s-maxage=5, max-age=60'),
  'max-age counts, not Expires': lasts(60, 'Cache-Control: max-age=60', `Expires: ${dateIn(5)}`),
  'max-age of 0 counts, not Expires': lasts(0, 'Cache-Control: max-age=0', `Expires: ${dateIn(60)}`),
  'Expires counts where nothing else is said': lasts(60, `Expires: ${dateIn(60)}`),
  'Expires counts beside directives that say nothing of time': lasts(
    60,
    'Cache-Control: public',
    `Expires: ${dateIn(60)}`,
  ),
  'of two values of max-age the first counts': lasts(60, 'Cache-Control: max-age=60, max-age=5'),
  'of two lines of Cache-Control the first counts': lasts(
    60,
    'Cache-Control: max-age=60',
    'Cache-Control: max-age=5',
  ),
});

rules(9111, '5.2', 'how Cache-Control is read', {
  'names are read in any case': lasts(60, 'Cache-Control: MaX-aGe=60'),
  'a quoted number is a number': lasts(60, 'Cache-Control: max-age="60"'),
  'leading zeros are nothing': lasts(60, 'Cache-Control: max-age=0060'),
  'empty members are nothing': lasts(60, 'Cache-Control: , ,max-age=60,'),
  'a number that is none leaves the response stale': lasts(0, 'Cache-Control: max-age=sixty'),
  'a number below 0 leaves the response stale': lasts(0, 'Cache-Control: max-age=-60'),
  'a number with a decimal point leaves the response stale': lasts(0, 'Cache-Control: max-age=60.5'),
  'a number behind a space leaves the response stale': lasts(0, 'Cache-Control: max-age= 60'),
  'a max-age without a number leaves the response stale': lasts(0, 'Cache-Control: max-age'),
  'a name in a quoted string is no directive': lasts(0, 'Cache-Control: note="a, max-age=60"'),
  'a name with another before it is no directive': lasts(0, 'Cache-Control: x-max-age=60'),
});

rules(9111, '1.2.2', 'delta seconds beyond what can be counted', {
  'a number of twenty digits is the largest there is': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=99999999999999999999')),
    wait(2 ** 31 - 1),
    get().fromStore('one'),
  ],
});

rules(9111, '5.3', 'Expires', {
  'what is no date is in the past': lasts(0, 'Expires: 0'),
  'a date before it was made is in the past': lasts(0, `Expires: ${dateIn(-60)}`),
  'the moment it was made is in the past': lasts(0, `Expires: ${dateIn(0)}`),
  'it counts from Date, not from this clock': lasts(30, `Date: ${dateIn(-30)}`, `Expires: ${dateIn(30)}`),
  'it counts from Date, where that is ahead of this clock': lasts(
    30,
    `Date: ${dateIn(60)}`,
    `Expires: ${dateIn(90)}`,
  ),
  'two that differ are no date': lasts(0, `Expires: ${dateIn(60)}`, `Expires: ${dateIn(90)}`),
});

rules(9110, '5.6.7', 'dates', {
  'those of RFC 850 are read': lasts(60, 'Expires: Thursday, 01-Jan-26 00:01:00 GMT'),
  'those of asctime are read': lasts(60, 'Expires: Thu Jan  1 00:01:00 2026'),
  'those of another zone are none': lasts(0, 'Expires: Thu, 01 Jan 2026 01:01:00 +0100'),
});

rules(9111, '4.2.2', 'responses that do not say how long they last', {
  'they are fresh for a tenth of their age when they came': lasts(100, `Last-Modified: ${dateIn(-1000)}`),
  'they are fresh for a day at most': lasts(86_400, `Last-Modified: ${dateIn(-10_000_000)}`),
  'without Last-Modified they are not fresh': lasts(0, 'ETag: "a"'),
  'what was changed after it was made is not fresh': lasts(0, `Last-Modified: ${dateIn(1000)}`),
  'what says that it does not last is believed': lasts(
    0,
    'Cache-Control: max-age=0',
    `Last-Modified: ${dateIn(-1000)}`,
  ),
  ...Object.fromEntries(
    [203, 204, 300, 301, 308, 404, 405, 410, 414, 501].map((status) => [
      `a ${status} is stored on that guess`,
      [
        get().fromOrigin(answers(status, `Last-Modified: ${dateIn(-1000)}`)),
        wait(99),
        get().fromStore(status === 204 ? '' : String(status), status),
      ],
    ]),
  ),
  ...Object.fromEntries(
    [201, 202, 302, 307, 400, 403, 429, 500, 502, 503, 504].map((status) => [
      `a ${status} is not`,
      [
        get().fromOrigin(answers(status, `Last-Modified: ${dateIn(-1000)}`)),
        get().fromOrigin(answers(status, `Last-Modified: ${dateIn(-1000)}`)),
      ],
    ]),
  ),
  'a status that is not stored on a guess is by public': [
    get().fromOrigin(answers(302, 'Cache-Control: public', `Last-Modified: ${dateIn(-1000)}`)),
    wait(99),
    get().fromStore('302', 302),
  ],
});

rules(9111, '5.4', 'Pragma', {
  'of a request it says nothing': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60')),
    get('Pragma: no-cache').fromStore('one'),
  ],
  'of a response it says nothing': lasts(60, 'Cache-Control: max-age=60', 'Pragma: no-cache'),
});
