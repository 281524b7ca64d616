import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AllowedMethods } from './allowed-methods.ts';

describe('allowed methods', () => {
  const allowed = new AllowedMethods();
  allowed.add('/v1/things', 'POST');
  allowed.add('/v1/things/:id', 'GET');
  allowed.add('/v1/things/:id', ['PUT', 'HEAD']);
  allowed.add('/files/*', 'GET');
  allowed.add('/a.b(c)', 'GET');
  allowed.add('/:base/of/:digits(^[0-9]{2}$)', 'GET');

  for (const [path, methods] of [
    ['/v1/things', ['POST']],
    ['/v1/things/7', ['GET', 'HEAD', 'PUT']],
    ['/v1/things/7/parts', []],
    ['/v1/things/', []],
    ['/files/', ['GET']],
    ['/files/a/b', ['GET']],
    ['/files', []],
    ['/a.b(c)', ['GET']],
    ['/aXb(c)', []],
    ['/x/of/17', ['GET']],
    ['/x/of/177', []],
    ['/x/of/ab', []],
  ] as const)
    test(`${path} takes ${methods.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(allowed.at(path), methods);
    });
});
