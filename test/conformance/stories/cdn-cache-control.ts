import { dateIn } from '../../rig/heads.ts';
import { rules } from '../scene.ts';
import { answers, get, ok, wait } from '../steps.ts';

const FOR_CDNS = 'CDN-Cache-Control: max-age=60';

/** Whether a response with these answers the next request. */
function stored(...lines: readonly string[]): Parameters<typeof rules>[3][string] {
  return [get().fromOrigin(ok('one', ...lines)), get().fromStore('one')];
}

function notStored(...lines: readonly string[]): Parameters<typeof rules>[3][string] {
  return [get().fromOrigin(ok('one', ...lines)), get().fromOrigin(ok('two', 'Cache-Control: no-store'))];
}

/** Cache-Control counts beside this, whatever it says. */
function spoiled(value: string): Parameters<typeof rules>[3][string] {
  const field = `CDN-Cache-Control: ${value}`;
  return [
    get()
      .at('/short')
      .fromOrigin(ok('one', field, 'Cache-Control: no-store')),
    get()
      .at('/short')
      .fromOrigin(ok('two', field, 'Cache-Control: no-store')),
    get()
      .at('/long')
      .fromOrigin(ok('one', field, 'Cache-Control: max-age=60')),
    get().at('/long').fromStore('one'),
  ];
}

rules(9213, '2.2', 'which field counts', {
  'CDN-Cache-Control counts, not Cache-Control': [
    get().fromOrigin(ok('one', FOR_CDNS, 'Cache-Control: max-age=5')),
    wait(59),
    get().fromStore('one'),
    wait(1),
    get().fromOrigin(ok('two')),
  ],
  'it permits what Cache-Control forbids': stored(FOR_CDNS, 'Cache-Control: no-store, private'),
  'it forbids what Cache-Control permits': notStored(
    'CDN-Cache-Control: no-store',
    'Cache-Control: max-age=60',
  ),
  'private in it forbids, too': notStored('CDN-Cache-Control: private', 'Cache-Control: max-age=60'),
  'it counts, not Expires': notStored('CDN-Cache-Control: max-age=0', `Expires: ${dateIn(60)}`),
  'where it says nothing of time, Expires says nothing either': notStored(
    'CDN-Cache-Control: public',
    `Expires: ${dateIn(60)}`,
  ),
  'no-cache in it asks for validation each time': [
    get().fromOrigin(
      ok('one', 'CDN-Cache-Control: max-age=60, no-cache', 'Cache-Control: max-age=60', 'ETag: "a"'),
    ),
    get().validated(answers(304), 'one'),
  ],
  'empty it is as good as absent': stored('CDN-Cache-Control:', 'Cache-Control: max-age=60'),
  'it goes on to the client, who may be a cache like this one': [
    get().fromOrigin(ok('one', FOR_CDNS)).shows('CDN-Cache-Control', 'max-age=60'),
    get().fromStore('one').shows('CDN-Cache-Control', 'max-age=60'),
  ],
  'the age with which a response came counts': [
    get().fromOrigin(ok('one', FOR_CDNS, 'Age: 50')),
    wait(10),
    get().fromOrigin(ok('two')),
  ],
  'what a 304 says in it counts from now on': [
    get().fromOrigin(ok('one', FOR_CDNS, 'Cache-Control: no-store', 'ETag: "a"')),
    wait(60),
    get().validated(answers(304, 'CDN-Cache-Control: max-age=600'), 'one'),
    wait(599),
    get().fromStore('one'),
  ],
});

rules(9213, '2.1', 'how it is read', {
  'names in it are in lower case, others are unknown': notStored('CDN-Cache-Control: MAX-AGE=60'),
  'a directive that nobody knows means nothing': stored('CDN-Cache-Control: max-age=60, own="a, no-store"'),
  'parameters mean nothing': stored('CDN-Cache-Control: max-age=60;own=1'),
  'of two values the last counts': stored('CDN-Cache-Control: max-age=0, max-age=60'),
  'what is no dictionary is as good as absent': spoiled('max-age=60,,'),
  'a space beside the sign spoils it': spoiled('max-age = 60'),
  'a number in quotes is no number, which spoils it': spoiled('max-age="60"'),
  'a number with a decimal point spoils it': spoiled('max-age=60.0'),
  'below 0 is 0': notStored('CDN-Cache-Control: max-age=-60', 'Cache-Control: max-age=60'),
});

rules(
  9213,
  '2.2',
  'where the operator names more fields',
  {
    'the first that is there counts': stored('Own-Cache-Control: max-age=60', 'CDN-Cache-Control: no-store'),
    'one that cannot be read hands on to the next': stored('Own-Cache-Control: ?', FOR_CDNS),
  },
  { targetedFields: ['own-cache-control', 'cdn-cache-control'] },
);
