import { GuestFailure } from './guest-failure.ts';

const MAX_CODE_UNITS = 500;

/** AssemblyScript's `abort`: what is wrong and where, texts of UTF-16 whose length in bytes stands before them. */
export function abortOf(memory: () => ArrayBuffer) {
  return (message: number, file: number, line: number, column: number): never => {
    const said = textAt(memory(), message >>> 0) || 'it aborted';
    const where = textAt(memory(), file >>> 0);
    throw new GuestFailure('trap', where === '' ? said : `${said} (${where}:${line}:${column})`);
  };
}

function textAt(memory: ArrayBuffer, at: number): string {
  if (at < 4 || at > memory.byteLength) return '';
  const bytes = Math.min(new DataView(memory).getUint32(at - 4, true), 2 * MAX_CODE_UNITS);
  return Buffer.from(memory).toString('utf16le', at, at + bytes);
}
