/**
 * What is counted of the blobs; none of it reaches a caller as an error.
 *
 * `not-kept`: a body could not be kept, so what it was is not to be had later · `damaged`: a blob was not what its name
 * says, and was removed · `read-failed`, `remove-failed`: the disk refused · `left-over`: a file that a process was writing
 * when it died.
 */
export type BlobTroubleKind = 'not-kept' | 'damaged' | 'read-failed' | 'remove-failed' | 'left-over';

export type OnBlobTrouble = (kind: BlobTroubleKind, error?: unknown) => void;
