import { rules } from '../scene.ts';
import { type Answer, answers, get, ok, send } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';

/** What is stored of `/thing` and `/other` after this; `gone`: the origin has to be asked. */
function after(
  method: string,
  answer: Answer,
  thing: 'stays' | 'gone',
  other: 'stays' | 'gone' = 'stays',
): Parameters<typeof rules>[3][string] {
  const again = (target: string, state: 'stays' | 'gone') =>
    state === 'stays' ? get().at(target).fromStore('one') : get().at(target).fromOrigin(ok('two'));
  return [
    get().fromOrigin(ok('one', MINUTE)),
    get().at('/other').fromOrigin(ok('one', MINUTE)),
    send(method)
      .carrying(method === 'OPTIONS' ? '' : 'text')
      .fromOrigin(answer),
    again('/thing', thing),
    again('/other', other),
  ];
}

rules(9111, '4.4', 'what outdates stored responses', {
  ...Object.fromEntries(
    ['POST', 'PUT', 'DELETE', 'PATCH', 'REPORT'].map((method) => [
      `a ${method} that succeeds outdates its own address`,
      after(method, answers(204), 'gone'),
    ]),
  ),
  'a redirect of a POST is a success': after('POST', answers(303, 'Location: /third'), 'gone'),
  'an OPTIONS changes nothing': after('OPTIONS', answers(204), 'stays'),
  ...Object.fromEntries(
    [400, 404, 409, 500, 503].map((status) => [
      `a POST that fails with ${status} changes nothing`,
      after('POST', answers(status, 'Location: /other'), 'stays'),
    ]),
  ),
  'what Location names is outdated, too': after('POST', answers(201, 'Location: /other'), 'gone', 'gone'),
  'what Content-Location names is outdated, too': after(
    'PUT',
    answers(200, 'Content-Location: /other'),
    'gone',
    'gone',
  ),
  'a reference is resolved against the address': after(
    'PUT',
    answers(200, 'Location: other'),
    'gone',
    'gone',
  ),
  'what is named of another origin stays': [
    get('Host: a.test').at('/other').fromOrigin(ok('one', MINUTE)),
    send('POST', 'Host: b.test').carrying('text').fromOrigin(answers(201, 'Location: http://a.test/other')),
    get('Host: a.test').at('/other').fromStore('one'),
  ],
  'what is named of the same origin in full is outdated': [
    get('Host: a.test').at('/other').fromOrigin(ok('one', MINUTE)),
    send('POST', 'Host: a.test').carrying('text').fromOrigin(answers(201, 'Location: http://a.test/other')),
    get('Host: a.test').at('/other').fromOrigin(ok('two')),
  ],
  'all variants go': [
    get('X-Kind: a').fromOrigin(ok('one', MINUTE, 'Vary: X-Kind')),
    get('X-Kind: b').fromOrigin(ok('two', MINUTE, 'Vary: X-Kind')),
    send('DELETE').fromOrigin(answers(204)),
    get('X-Kind: a').fromOrigin(ok('three')),
    get('X-Kind: b').fromOrigin(ok('four')),
  ],
  'an unsafe request goes to the origin each time, though its address is stored': [
    get().fromOrigin(ok('one', MINUTE)),
    send('POST').carrying('a').fromOrigin(answers(500)),
    send('POST').carrying('a').fromOrigin(answers(500)),
  ],
});
