import { statfs } from 'node:fs/promises';

/** File systems of this machine alone, by their numbers: statfs(2), and linux/magic.h. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2 to ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
  0xf2f52010, // F2FS
  0x3153464a, // JFS
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
]);

/**
 * Whether the folder is on a file system of this machine. One behind a network (NFS, SMB, most of FUSE) may fall silent,
 * and whoever has called it then waits. What is not known to be local is not; only Linux tells them apart, elsewhere all are.
 */
export async function isOnLocalDisk(folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const type = await statfs(folder).then(
    (stats) => stats.type,
    () => undefined,
  );
  return type !== undefined && LOCAL.has(type);
}
