import { dateIn } from '../../rig/heads.ts';
import { rules } from '../scene.ts';
import { answers, get, ok, wait } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';
const BEFORE = dateIn(-1000);

rules(9111, '4.3.1', 'what the origin is asked of a stale response', {
  'whether its entity tag is still the one': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().validated(answers(304), 'one').sends('If-None-Match', '"a"').omits('If-Modified-Since'),
  ],
  'a weak entity tag goes as it came': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: W/"a"')),
    wait(60),
    get().validated(answers(304), 'one').sends('If-None-Match', 'W/"a"'),
  ],
  'whether it was modified since': [
    get().fromOrigin(ok('one', MINUTE, `Last-Modified: ${BEFORE}`)),
    wait(60),
    get().validated(answers(304), 'one').sends('If-Modified-Since', BEFORE).omits('If-None-Match'),
  ],
  'both, where it has both': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"', `Last-Modified: ${BEFORE}`)),
    wait(60),
    get().validated(answers(304), 'one').sends('If-None-Match', '"a"').sends('If-Modified-Since', BEFORE),
  ],
  'nothing, where it has neither': [
    get().fromOrigin(ok('one', MINUTE)),
    wait(60),
    get().fromOrigin(ok('two')).omits('If-None-Match', 'If-Modified-Since'),
  ],
  'its own tag, not the client’s, whose condition is judged by what comes back': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get('If-None-Match: "mine"').validated(answers(304), 'one').sends('If-None-Match', '"a"'),
    wait(60),
    get('If-None-Match: "a"').validated(answers(304), '').gets(304),
  ],
  'of several variants, whether one of them is it': [
    get('X-Kind: a').fromOrigin(ok('one', MINUTE, 'Vary: X-Kind', 'ETag: "a"')),
    get('X-Kind: b').fromOrigin(ok('two', MINUTE, 'Vary: X-Kind', 'ETag: "b"')),
    get('X-Kind: c')
      .validated(answers(304, 'ETag: "a"'), 'one')
      .sends('If-None-Match', /"a".*"b"|"b".*"a"/),
  ],
});

rules(9111, '4.3.2', 'what a client asks of a fresh response', {
  'If-None-Match with its tag gets a 304 without a body': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"', 'Content-Type: text/x')),
    get('If-None-Match: "a"').fromStore('', 304).shows('ETag', '"a"').lacks('Content-Type', 'Content-Length'),
  ],
  'If-None-Match with another tag gets the response': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    get('If-None-Match: "b"').fromStore('one'),
  ],
  'If-None-Match names one of a list': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    get('If-None-Match: "b", W/"a"').fromStore('', 304),
  ],
  'a comma within a tag parts nothing': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a,b"')),
    get('If-None-Match: "x", "a,b"').fromStore('', 304),
    get('If-None-Match: "b"').fromStore('one'),
  ],
  'tags are compared weakly': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: W/"a"')),
    get('If-None-Match: "a"').fromStore('', 304),
  ],
  'tags are compared by case': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    get('If-None-Match: "A"').fromStore('one'),
  ],
  'If-None-Match: * names anything': [
    get().fromOrigin(ok('one', MINUTE)),
    get('If-None-Match: *').fromStore('', 304),
  ],
  'If-Modified-Since with its date gets a 304': [
    get().fromOrigin(ok('one', MINUTE, `Last-Modified: ${BEFORE}`)),
    get(`If-Modified-Since: ${BEFORE}`).fromStore('', 304),
  ],
  'If-Modified-Since with an older date gets the response': [
    get().fromOrigin(ok('one', MINUTE, `Last-Modified: ${BEFORE}`)),
    get(`If-Modified-Since: ${dateIn(-1001)}`).fromStore('one'),
  ],
  'If-Modified-Since is held against Date where there is no Last-Modified': [
    get().fromOrigin(ok('one', MINUTE)),
    get(`If-Modified-Since: ${dateIn(0)}`).fromStore('', 304),
    get(`If-Modified-Since: ${dateIn(-1)}`).fromStore('one'),
  ],
  'beside If-None-Match the date does not count': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"', `Last-Modified: ${BEFORE}`)),
    get('If-None-Match: "b"', `If-Modified-Since: ${BEFORE}`).fromStore('one'),
  ],
  'a condition about what is no success does not count': [
    get().fromOrigin(answers(404, MINUTE, 'ETag: "a"')),
    get('If-None-Match: "a"').fromStore('404', 404),
  ],
  'If-Match and If-Unmodified-Since are for the origin to judge': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    get('If-Match: "b"').fromOrigin(answers(412)).sends('If-Match', '"b"'),
    get(`If-Unmodified-Since: ${BEFORE}`).fromOrigin(answers(412)).sends('If-Unmodified-Since', BEFORE),
    get().fromStore('one'),
  ],
  'where nothing is stored, the origin judges the client’s condition, and its 304 goes to the client': [
    get('If-None-Match: "a"').fromOrigin(answers(304, 'ETag: "a"')).sends('If-None-Match', '"a"'),
    get().fromOrigin(ok('one')),
  ],
});

rules(9111, '4.3.3', 'what the origin says', {
  'a full response takes the place of the stored one': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().fromOrigin(ok('two', MINUTE, 'ETag: "b"')),
    get().fromStore('two').shows('ETag', '"b"'),
  ],
  'a full response that is not to be stored takes the stored one away': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().fromOrigin(ok('two', 'Cache-Control: no-store')),
    get().fromOrigin(ok('three')).omits('If-None-Match'),
  ],
  'a 404 in its place is what the client gets': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().fromOrigin(answers(404)),
  ],
  'a 500 goes to the client': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().fromOrigin(answers(500)),
  ],
});

rules(9111, '4.3.4', 'which response a 304 is about', {
  'a 304 without a validator is about the one that was asked about': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().validated(answers(304), 'one'),
    wait(59),
    get().fromStore('one'),
  ],
  'a 304 with a strong tag is not about a response with the same weak one': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: W/"a"')),
    wait(60),
    get()
      .fromOrigin(answers(304, 'ETag: "a"'))
      .fromOrigin(ok('two', MINUTE, 'ETag: "a"')),
    get().fromStore('two'),
  ],
  'a 304 with another tag is about nothing that is stored, so the whole is asked for': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get()
      .fromOrigin(answers(304, 'ETag: "b"'))
      .fromOrigin(ok('two', MINUTE, 'ETag: "b"'))
      .omits('If-None-Match', 'If-Modified-Since'),
    get().fromStore('two'),
  ],
});

rules(9111, '3.2', 'what a 304 changes', {
  'its fields take the place of those that were stored, all lines of a name': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"', 'X-Old: 1', 'X-Old: 2', 'X-Kept: 3')),
    wait(60),
    get()
      .validated(answers(304, 'X-Old: 4', 'X-New: 5', MINUTE), 'one')
      .shows('X-Old', '4')
      .shows('X-New', '5')
      .shows('X-Kept', '3'),
    get().fromStore('one').shows('X-Old', '4').shows('X-New', '5').shows('X-Kept', '3'),
  ],
  'its Cache-Control counts from now on': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().validated(answers(304, 'Cache-Control: max-age=600'), 'one'),
    wait(599),
    get().fromStore('one'),
  ],
  'without Cache-Control, the one that is stored counts anew': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get().validated(answers(304), 'one'),
    wait(59),
    get().fromStore('one'),
    wait(1),
    get().validated(answers(304), 'one'),
  ],
  'what describes the bytes stays as it is': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"', 'Content-Encoding: x-own', 'Content-Type: text/x')),
    wait(60),
    get()
      .validated(answers(304, 'ETag: W/"a"', 'Content-Encoding: gzip', 'Content-Range: bytes 0-0/1'), 'one')
      .shows('ETag', '"a"')
      .shows('Content-Encoding', 'x-own')
      .shows('Content-Length', '3')
      .lacks('Content-Range'),
  ],
  'what it says of its own connection is not stored': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get()
      .validated(answers(304, 'Connection: X-Hop', 'X-Hop: 1'), 'one')
      .lacks('X-Hop'),
    get().fromStore('one').lacks('X-Hop'),
  ],
  'one that says no-store takes the response out of the store, so the whole is asked for': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    get()
      .fromOrigin(answers(304, 'Cache-Control: no-store'))
      .fromOrigin(ok('two', 'Cache-Control: no-store'))
      .omits('If-None-Match'),
    get().fromOrigin(ok('three')).omits('If-None-Match'),
  ],
});
