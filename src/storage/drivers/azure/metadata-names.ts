/**
 * Azure takes metadata names that are C# identifiers; ours may hold anything (`duration-ms`). So small letters
 * stand for themselves, digits too but for the first place, and every other byte is `_` and two hex digits:
 * `duration-ms` is kept as `duration_2dms`.
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
export function toAzureName(name: string): string {
  return Array.from(Buffer.from(name), (byte, index) => {
    const letter = String.fromCharCode(byte);
    const isPlain = index === 0 ? /[a-z]/.test(letter) : /[a-z0-9]/.test(letter);
    return isPlain ? letter : `_${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

/** Undoes `toAzureName`. A name that did not come from it, given by another program, stays as it is. */
export function fromAzureName(azureName: string): string {
  const bytes = azureName.replaceAll(/_([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const name = Buffer.from(bytes, 'latin1').toString();
  return toAzureName(name) === azureName ? name : azureName;
}
