import { dateIn } from '../../rig/heads.ts';
import { rules } from '../scene.ts';
import { answers, get, ok, wait } from '../steps.ts';

const HOUR = 'Cache-Control: max-age=3600';

/** What a response says is its age, ten seconds after it came. */
function shows(age: number, ...lines: readonly string[]): Parameters<typeof rules>[3][string] {
  return [
    get().fromOrigin(ok('one', HOUR, ...lines)),
    wait(10),
    get().fromStore('one').shows('Age', String(age)),
  ];
}

rules(9111, '5.1', 'Age', {
  'what comes from the store says how many seconds it has been there': shows(10),
  'what comes from the origin says nothing of its age': [get().fromOrigin(ok('one', HOUR)).lacks('Age')],
  'the age with which it came is added': shows(60, 'Age: 50'),
  'an age of 0 adds nothing': shows(10, 'Age: 0'),
  'of a list the first member counts': shows(60, 'Age: 50, 0'),
  'of two lines the first counts': shows(60, 'Age: 50', 'Age: 0'),
  'what is no number is as good as absent': shows(10, 'Age: old'),
  'what is below 0 is as good as absent': shows(10, 'Age: -50'),
  'what has a decimal point is as good as absent': shows(10, 'Age: 50.0'),
});

rules(9111, '4.2.3', 'how old a response is', {
  'it is as old as its Date says': shows(60, `Date: ${dateIn(-50)}`),
  'of Date and Age the older counts': shows(70, `Date: ${dateIn(-50)}`, 'Age: 60'),
  'of Date and Age the older counts, whichever it is': shows(60, `Date: ${dateIn(-50)}`, 'Age: 40'),
  'a Date ahead of this clock makes nothing younger': shows(10, `Date: ${dateIn(50)}`),
  'a Date that is none is as good as absent': shows(10, 'Date: yesterday'),
  'the age with which it came is taken off its lifetime': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60', 'Age: 50')),
    wait(9),
    get().fromStore('one').shows('Age', '59'),
    wait(1),
    get().fromOrigin(ok('two')),
  ],
  'what came too old is not fresh for a moment': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60', 'Age: 60')),
    get().fromOrigin(ok('two')),
  ],
  'an age beyond what can be counted is too old': [
    get().fromOrigin(ok('one', HOUR, 'Age: 99999999999999999999')),
    get().fromOrigin(ok('two')),
  ],
  'what was validated is as old as the 304 that said so': [
    get().fromOrigin(ok('one', HOUR, 'ETag: "a"', 'Age: 50')),
    wait(3600),
    get().validated(answers(304, 'ETag: "a"'), 'one').shows('Age', '0'),
    wait(10),
    get().fromStore('one').shows('Age', '10'),
  ],
});
