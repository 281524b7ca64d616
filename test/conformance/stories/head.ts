import { dateIn } from '../../rig/heads.ts';
import { rules } from '../scene.ts';
import { answers, get, head, ok, wait } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';

rules(9110, '9.3.2', 'HEAD', {
  'it is answered by what a GET left in the store, without the body': [
    get().fromOrigin(ok('one', MINUTE, 'X-Own: 1')),
    head().fromStore('').shows('Content-Length', '3').shows('X-Own', '1'),
  ],
  'its condition is judged as that of a GET': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    head('If-None-Match: "a"').fromStore('', 304),
    head('If-None-Match: "b"').fromStore(''),
  ],
  'a Range means nothing to it': [
    get().fromOrigin(ok('one', MINUTE)),
    head('Range: bytes=0-0').fromStore('').shows('Content-Length', '3'),
  ],
  'its answer is not stored for a GET': [
    head().fromOrigin(ok('one', MINUTE)),
    get().fromOrigin(ok('one', MINUTE)),
  ],
  'its answer is not stored for another HEAD': [
    head().fromOrigin(ok('one', MINUTE)),
    head().fromOrigin(ok('one', MINUTE)),
  ],
});

rules(9111, '4.3.5', 'what the answer to a HEAD does to what is stored', {
  'one that agrees freshens it': [
    get().fromOrigin(ok('one', 'Cache-Control: max-age=60', 'X-Old: 1', 'X-Kept: 2')),
    wait(60),
    head().fromOrigin(ok('one', 'Cache-Control: max-age=600', 'X-Old: 3')),
    wait(599),
    get().fromStore('one').shows('X-Old', '3').shows('X-Kept', '2').shows('Age', '599'),
  ],
  'one with another tag outdates it': [
    get().fromOrigin(ok('one', MINUTE, 'ETag: "a"')),
    wait(60),
    head('Cache-Control: no-cache').fromOrigin(answers(200, MINUTE, 'ETag: "b"', 'Content-Length: 3')),
    get().fromOrigin(ok('two')).omits('If-None-Match'),
  ],
  'one with another Last-Modified outdates it': [
    get().fromOrigin(ok('one', MINUTE, `Last-Modified: ${dateIn(-1000)}`)),
    head('Cache-Control: no-cache').fromOrigin(ok('one', MINUTE, `Last-Modified: ${dateIn(-900)}`)),
    get().fromOrigin(ok('two')),
  ],
  'one with another length outdates it': [
    get().fromOrigin(ok('one', MINUTE)),
    head('Cache-Control: no-cache').fromOrigin(ok('three', MINUTE)),
    get().fromOrigin(ok('three')),
  ],
  'one that is no 200 does nothing': [
    get().fromOrigin(ok('one', MINUTE)),
    head('Cache-Control: no-cache').fromOrigin(answers(404, MINUTE)),
    get().fromStore('one'),
  ],
});
