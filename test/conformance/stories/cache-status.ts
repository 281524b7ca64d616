import { rules } from '../scene.ts';
import { answers, get, head, ok, part, send, wait } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';
const said = (...parts: readonly string[]): string => ['velocity', ...parts].join('; ');
const first = get().fromOrigin(ok('one', MINUTE, 'ETag: "a"'));

rules(9211, '2.1', 'what is answered from the store', {
  'it says hit, and how long it stays fresh': [
    first,
    wait(10),
    get().fromStore('one').shows('Cache-Status', said('hit', 'ttl=50')),
  ],
  'of a 304 made here it says the same': [
    first,
    get('If-None-Match: "a"').fromStore('', 304).shows('Cache-Status', said('hit', 'ttl=60')),
  ],
  'what is sent stale has been stale for so long': [
    first,
    wait(70),
    get('Cache-Control: max-stale')
      .fromStore('one')
      .shows('Cache-Status', /^velocity; hit; ttl=-10(;|$)/),
  ],
});

rules(9211, '2.2', 'why a request went on', {
  'nothing is stored of its address': [first.shows('Cache-Status', said('fwd=uri-miss', 'stored'))],
  'what is stored answers other requests': [
    get('X-Kind: a').fromOrigin(ok('one', MINUTE, 'Vary: X-Kind')),
    get('X-Kind: b')
      .fromOrigin(ok('two', MINUTE, 'Vary: X-Kind'))
      .shows('Cache-Status', /fwd=vary-miss; stored/),
  ],
  'what is stored is stale': [
    first,
    wait(60),
    get()
      .fromOrigin(ok('two', MINUTE))
      .shows('Cache-Status', /^velocity; fwd=stale; stored/),
  ],
  'the client would have it so': [
    first,
    get('Cache-Control: no-cache')
      .fromOrigin(ok('two', MINUTE))
      .shows('Cache-Status', /^velocity; fwd=request;/),
  ],
  'the method is for the origin': [
    first,
    send('POST')
      .fromOrigin(ok('posted'))
      .shows('Cache-Status', /^velocity; fwd=method(;|$)/),
  ],
  'a part of it is missing': [
    get('Range: bytes=0-3').fromOrigin(part('0123', 0, 10, MINUTE, 'ETag: "a"')),
    get('Range: bytes=4-5')
      .fromOrigin(part('45', 4, 10, MINUTE, 'ETag: "a"'))
      .shows('Cache-Status', /^velocity; fwd=partial(;|$)/),
  ],
});

rules(9211, '2.3', 'what the origin answered', {
  'a 304 that the client does not see is told': [
    first,
    wait(60),
    get()
      .validated(answers(304), 'one')
      .shows('Cache-Status', /^velocity; fwd=stale; fwd-status=304;.* ttl=60/),
  ],
});

rules(9211, '2.5', 'whether it is stored', {
  'what is not stored is not said to be, and why it is not': [
    get()
      .fromOrigin(ok('one', 'Cache-Control: no-store'))
      .shows('Cache-Status', said('fwd=uri-miss', 'detail=no-store')),
  ],
  'the answer to a HEAD is not': [
    head().fromOrigin(ok('one', MINUTE)).shows('Cache-Status', said('fwd=uri-miss', 'detail=method')),
  ],
});

rules(9211, '2', 'caches on the way', {
  'what a cache before this one said stays before what this one says': [
    get()
      .fromOrigin(ok('one', MINUTE, 'Cache-Status: origin; hit'))
      .shows('Cache-Status', 'origin; hit, velocity; fwd=uri-miss; stored'),
    get().fromStore('one').shows('Cache-Status', 'origin; hit, velocity; hit; ttl=60'),
  ],
});
