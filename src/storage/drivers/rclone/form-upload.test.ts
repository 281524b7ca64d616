import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { digestOf } from '../../../base/digest.ts';
import { FormUpload } from './form-upload.ts';

test('a body is the one file of the form', async () => {
  const upload = new FormUpload('name', Readable.from([Buffer.from('ab'), Buffer.from('c')]), {}, undefined);
  const { boundary } = upload;
  const form = await new Response(await text(upload.form), {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  }).formData();
  const file = form.get('file');
  assert.ok(file instanceof File);
  assert.deepEqual([file.name, await file.text()], ['name', 'abc']);
  assert.equal(upload.sizeBytes, 3);
  assert.equal(upload.failure, undefined);
});

test('a form ends well whatever becomes of its body, and tells what became of it', async () => {
  const brokenOff = Readable.from(
    (function* () {
      yield Buffer.from('ab');
      throw new Error('broke off');
    })(),
  );
  const cases: [Readable | Uint8Array, object, RegExp][] = [
    [brokenOff, {}, /broke off/],
    [Buffer.from('abc'), { sizeBytes: 4 }, /announced with 4 bytes/],
    [Buffer.from('abc'), { digest: digestOf('abd') }, /announced with SHA-256/],
  ];
  for (const [body, announced, failure] of cases) {
    const upload = new FormUpload('name', body, announced, undefined);
    assert.ok((await text(upload.form)).endsWith(`\r\n--${upload.boundary}--\r\n`));
    assert.match(String(upload.failure?.error), failure);
  }
});

test('a body that is given up ends the form, and is left to its owner', async () => {
  const abort = new AbortController();
  const body = new Readable({ read() {} });
  const upload = new FormUpload('name', body, {}, abort.signal);
  const whole = text(upload.form);
  body.push('ab');
  abort.abort(new Error('given up'));
  assert.ok((await whole).endsWith(`--${upload.boundary}--\r\n`));
  assert.match(String(upload.failure?.error), /given up/);
  assert.equal(body.destroyed, false);

  const late = new FormUpload('name', Buffer.from('ab'), {}, abort.signal);
  assert.ok(!(await text(late.form)).includes('ab\r\n'));
  assert.match(String(late.failure?.error), /given up/);
});
