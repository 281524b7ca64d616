/** What names of fields and methods are. RFC 9110 §5.6.2. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What the value of a field, or a reason, can be sent as: nothing that ends a line (RFC 9110 §5.5). As Node checks them. */
export const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A field as it is sent, a character a byte. `undefined`: it cannot be. */
export function fieldLine(name: string, value: string): string | undefined {
  return TOKEN.test(name) && SENDABLE.test(value) ? `${name}: ${value}\r\n` : undefined;
}
