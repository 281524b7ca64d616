/**
 * What is counted of a disk tier beside hits and misses; none of it reaches a caller as an error.
 *
 * `left-over`: a file that a process was writing when it died · `orphan`: a body or a record alone, or something else
 * where one belongs · `corrupt-metadata`: a record that cannot be read as one · `damaged`: a body that is not what its
 * record says · `read-failed`, `write-failed`, `remove-failed`: the disk refused.
 */
export type DiskTroubleKind =
  | 'left-over'
  | 'orphan'
  | 'corrupt-metadata'
  | 'damaged'
  | 'read-failed'
  | 'write-failed'
  | 'remove-failed';

export type OnDiskTrouble = (kind: DiskTroubleKind, error?: unknown) => void;
