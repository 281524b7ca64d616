import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Scene } from '../scene.ts';
import { get, type OriginAnswer, ok } from '../steps.ts';

const MINUTE = 'Cache-Control: max-age=60';

function after(...interims: OriginAnswer['interims']): OriginAnswer {
  return { ...ok('one', MINUTE), interims };
}

describe('RFC 9110 §15.2, interim responses: https://www.rfc-editor.org/rfc/rfc9110#section-15.2', () => {
  test('they go on to the client, with their fields, before the final one', async () => {
    await using scene = await Scene.open();
    const { interims } = await scene.play(
      get().fromOrigin(after([102], [103, 'Link: </a.css>; rel=preload'])),
      'the request',
    );
    assert.deepEqual(
      interims.map(({ status, headers }) => [status, headers['link']]),
      [
        [102, undefined],
        [103, '</a.css>; rel=preload'],
      ],
    );
  });

  test('they are about one request, and come from no store', async () => {
    await using scene = await Scene.open();
    await scene.play(get().fromOrigin(after([103, 'Link: </a.css>; rel=preload'])), 'the first');
    const { interims } = await scene.play(get().fromStore('one').lacks('Link'), 'the second');
    assert.deepEqual(interims, []);
  });

  test('what they say of caching is not about the final one', async () => {
    await using scene = await Scene.open();
    await scene.play(get().fromOrigin(after([103, 'Cache-Control: no-store'])), 'the first');
    await scene.play(get().fromStore('one'), 'the second');
  });

  test('they come before the answer to a validation, too', async () => {
    await using scene = await Scene.open();
    await scene.play(get().fromOrigin(ok('one', 'Cache-Control: no-cache', 'ETag: "a"')), 'the first');
    const notModified = { ...after([103, 'Link: </b.css>; rel=preload']), status: 304, body: '' };
    const { interims } = await scene.play(get().validated(notModified, 'one'), 'the second');
    assert.deepEqual(
      interims.map(({ status }) => status),
      [103],
    );
  });
});
