import { dateIn } from '../../rig/heads.ts';
import { rules } from '../scene.ts';
import { answers, get, ok, part, wait } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';
const whole = get().fromOrigin(ok('0123456789', MINUTE, 'ETag: "a"'));

rules(9110, '14.2', 'ranges of a stored response', {
  'from one byte to another': [
    whole,
    get('Range: bytes=2-4')
      .fromStore('234', 206)
      .shows('Content-Range', 'bytes 2-4/10')
      .shows('Content-Length', '3'),
  ],
  'from one byte to the end': [
    whole,
    get('Range: bytes=7-').fromStore('789', 206).shows('Content-Range', 'bytes 7-9/10'),
  ],
  'the last ones': [
    whole,
    get('Range: bytes=-3').fromStore('789', 206).shows('Content-Range', 'bytes 7-9/10'),
  ],
  'more than there are is up to the end': [
    whole,
    get('Range: bytes=7-99').fromStore('789', 206).shows('Content-Range', 'bytes 7-9/10'),
    get('Range: bytes=-99').fromStore('0123456789', 206).shows('Content-Range', 'bytes 0-9/10'),
  ],
  'none of them is a 416 that says how many there are': [
    whole,
    get('Range: bytes=10-').fromStore('', 416).shows('Content-Range', 'bytes */10'),
  ],
  'what is no range of bytes gets the whole': [
    whole,
    get('Range: lines=0-1').fromStore('0123456789'),
    get('Range: bytes=4-2').fromStore('0123456789'),
  ],
  'several ranges get the whole': [whole, get('Range: bytes=0-0, 9-9').fromStore('0123456789')],
  'a condition goes first': [whole, get('Range: bytes=0-0', 'If-None-Match: "a"').fromStore('', 304)],
  'of what is no success nothing is cut out': [
    get().fromOrigin(answers(404, MINUTE)),
    get('Range: bytes=0-0').fromStore('404', 404),
  ],
});

rules(9110, '13.1.5', 'If-Range', {
  'with its tag there is a Range': [whole, get('Range: bytes=2-4', 'If-Range: "a"').fromStore('234', 206)],
  'with another tag there is none': [whole, get('Range: bytes=2-4', 'If-Range: "b"').fromStore('0123456789')],
  'a weak tag never holds': [
    get().fromOrigin(ok('0123456789', MINUTE, 'ETag: W/"a"')),
    get('Range: bytes=2-4', 'If-Range: W/"a"').fromStore('0123456789'),
  ],
  'a date holds where it is that of the response': [
    get().fromOrigin(ok('0123456789', MINUTE, `Last-Modified: ${dateIn(-1000)}`)),
    get('Range: bytes=2-4', `If-Range: ${dateIn(-1000)}`).fromStore('234', 206),
    get('Range: bytes=2-4', `If-Range: ${dateIn(-999)}`).fromStore('0123456789'),
  ],
});

const RANGE = 'Range: bytes=2-5';
const some = get(RANGE)
  .fromOrigin(part('2345', 2, 10, MINUTE, 'ETag: "a"'))
  .sends('Range', 'bytes=2-5');

rules(9111, '3.3', 'parts', {
  'a part answers for its bytes': [
    some,
    get(RANGE).fromStore('2345', 206).shows('Content-Range', 'bytes 2-5/10'),
    get('Range: bytes=3-4').fromStore('34', 206).shows('Content-Range', 'bytes 3-4/10'),
  ],
  'a part answers the last bytes, where it has them': [
    get('Range: bytes=-4').fromOrigin(part('6789', 6, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=-2').fromStore('89', 206),
  ],
  'a part does not answer for what is beyond it': [
    some,
    get('Range: bytes=4-7')
      .fromOrigin(part('4567', 4, 10, MINUTE, 'ETag: "a"'))
      .sends('Range', 'bytes=4-7'),
  ],
  'a part goes stale as a whole does': [
    some,
    wait(60),
    get(RANGE).fromOrigin(part('2345', 2, 10, MINUTE, 'ETag: "a"')),
  ],
  'a part whose Content-Range contradicts its length is not stored': [
    get(RANGE).fromOrigin({ ...part('2345', 2, 10, MINUTE, 'ETag: "a"'), body: '234' }),
    get(RANGE).fromOrigin(part('2345', 2, 10, MINUTE, 'ETag: "a"')),
  ],
  'a part without Content-Range is not stored': [
    get(RANGE).fromOrigin({ ...ok('2345', MINUTE), status: 206 }),
    get(RANGE).fromOrigin(part('2345', 2, 10)),
  ],
  'a 416 is not stored': [
    get('Range: bytes=99-').fromOrigin(answers(416, MINUTE)),
    get().fromOrigin(ok('0123456789')),
  ],
  'a whole in answer to a Range is stored as one': [
    get(RANGE).fromOrigin(ok('0123456789', MINUTE)),
    get().fromStore('0123456789'),
  ],
});

rules(9111, '3.4', 'how parts are put together', {
  'for a request for the whole only the rest is asked for, on condition that it is still the same': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: "a"')),
    get()
      .fromOrigin(part('456789', 4, 10, MINUTE, 'ETag: "a"'))
      .gets(200, '0123456789')
      .sends('Range', 'bytes=4-')
      .sends('If-Range', '"a"')
      .shows('Content-Length', '10')
      .lacks('Content-Range'),
    get().fromStore('0123456789'),
  ],
  'where it is another one now, the client gets that': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: "a"')),
    get().fromOrigin(ok('abcdefghij', MINUTE, 'ETag: "b"')),
    get().fromStore('abcdefghij'),
  ],
  'two parts of the same bytes answer for both': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=4-9').fromOrigin(part('456789', 4, 10, MINUTE, 'ETag: "a"')),
    get().fromStore('0123456789'),
  ],
  'two parts that do not touch answer each for itself': [
    get('Range: bytes=0-1').fromOrigin(part('01', 0, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=8-9').fromOrigin(part('89', 8, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=0-1').fromStore('01', 206),
    get('Range: bytes=8-9').fromStore('89', 206),
    get('Range: bytes=4-5').fromOrigin(part('45', 4, 10, MINUTE, 'ETag: "a"')),
  ],
  'parts with different tags are of different bytes': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=4-9').fromOrigin(part('efghij', 4, 10, MINUTE, 'ETag: "b"')),
    get('Range: bytes=0-3').fromOrigin(part('abcd', 0, 10, MINUTE, 'ETag: "b"')),
    get().fromStore('abcdefghij'),
  ],
  'a weak tag does not tell that bytes belong together': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: W/"a"')),
    get().fromOrigin(ok('0123456789', MINUTE)).omits('Range', 'If-Range'),
  ],
  'parts that say different sizes are not put together': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=4-9').fromOrigin(part('456789', 4, 11, MINUTE, 'ETag: "a"')),
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 11, MINUTE, 'ETag: "a"')),
  ],
});
