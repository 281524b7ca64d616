import { rules } from '../scene.ts';
import { type Ask, get, ok, wait } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';

/** Of a response that varies on a field: one request has it stored, another is to match, or not. */
function varied(vary: string, first: readonly string[], then: readonly string[], isMatch: boolean): Ask[] {
  const second = get(...then);
  return [
    get(...first).fromOrigin(ok('one', MINUTE, vary)),
    isMatch ? second.fromStore('one') : second.fromOrigin(ok('two')),
  ];
}

const KIND = 'Vary: X-Kind';

rules(9111, '4.1', 'which of several responses answers', {
  'one whose request said the same': varied(KIND, ['X-Kind: a'], ['X-Kind: a'], true),
  'none whose request said something else': varied(KIND, ['X-Kind: a'], ['X-Kind: b'], false),
  'none whose request said something, for one that says nothing': varied(KIND, ['X-Kind: a'], [], false),
  'none whose request said nothing, for one that says something': varied(KIND, [], ['X-Kind: a'], false),
  'one whose request said nothing, for one that says nothing': varied(KIND, [], [], true),
  'silence and an empty field are not the same': varied(KIND, [], ['X-Kind:'], false),
  'fields that Vary does not name mean nothing': varied(KIND, ['X-Kind: a', 'X-Own: 1'], ['X-Kind: a'], true),
  'names in Vary are read in any case': varied('Vary: x-KIND', ['X-Kind: a'], ['x-kind: b'], false),
  'all names in Vary have to match': varied(
    'Vary: X-Kind, X-Own',
    ['X-Kind: a', 'X-Own: 1'],
    ['X-Kind: a', 'X-Own: 2'],
    false,
  ),
  'names in several lines of Vary are one list': [
    get('X-Kind: a', 'X-Own: 1').fromOrigin(ok('one', MINUTE, 'Vary: X-Kind', 'Vary: X-Own')),
    get('X-Kind: a', 'X-Own: 1').fromStore('one'),
    get('X-Kind: a', 'X-Own: 2').fromOrigin(ok('two')),
  ],
  'lines of a field are one list': varied(KIND, ['X-Kind: a, b'], ['X-Kind: a', 'X-Kind: b'], true),
  'space around members means nothing': varied(KIND, ['X-Kind: a,b'], ['X-Kind:  a ,  b'], true),
  'the order of members means something where nobody knows the field': varied(
    KIND,
    ['X-Kind: a, b'],
    ['X-Kind: b, a'],
    false,
  ),
  'Vary: * is stored for nobody': varied('Vary: *', [], [], false),
  'Vary: * beside names is stored for nobody': varied('Vary: X-Kind, *', ['X-Kind: a'], ['X-Kind: a'], false),
  'what cannot be a name in Vary is as good as *': varied('Vary: X Kind', [], [], false),
  'several are kept side by side': [
    get('X-Kind: a').fromOrigin(ok('one', MINUTE, KIND)),
    get('X-Kind: b').fromOrigin(ok('two', MINUTE, KIND)),
    get('X-Kind: a').fromStore('one'),
    get('X-Kind: b').fromStore('two'),
  ],
  'of two that match the younger answers': [
    get('X-Kind: a').fromOrigin(ok('one', MINUTE, KIND)),
    wait(1),
    get('X-Kind: b').fromOrigin(ok('two', MINUTE)),
    get('X-Kind: a').fromStore('two'),
  ],
});

const CODING = 'Vary: Accept-Encoding';

rules(9110, '12.5', 'preferences', {
  'their order means nothing': varied(
    CODING,
    ['Accept-Encoding: gzip, br'],
    ['Accept-Encoding: br, gzip'],
    true,
  ),
  'their case means nothing': varied(CODING, ['Accept-Encoding: gzip'], ['Accept-Encoding: GZIP'], true),
  'a weight of 1 is what they have without': varied(
    CODING,
    ['Accept-Encoding: gzip;q=1.0'],
    ['Accept-Encoding: gzip'],
    true,
  ),
  'another weight is another wish': varied(
    CODING,
    ['Accept-Encoding: gzip;q=0.5'],
    ['Accept-Encoding: gzip'],
    false,
  ),
  'a response in the one language that is wanted most will do': [
    get('Accept-Language: de').fromOrigin(
      ok('eins', MINUTE, 'Vary: Accept-Language', 'Content-Language: de'),
    ),
    get('Accept-Language: de, en;q=0.5').fromStore('eins'),
    get('Accept-Language: en, de;q=0.5').fromOrigin(ok('one')),
  ],
});
