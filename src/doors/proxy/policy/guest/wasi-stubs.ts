import { randomFillSync } from 'node:crypto';
import type { Clock } from '../../../../base/clock.ts';
import { GuestFailure } from './guest-failure.ts';

/** `errno` of WASI. */
const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const INVALID = 28;
const NOT_SUPPORTED = 58;

/** All of preview 1: what compilers of Go, C, JavaScript and Haskell import whether it is used or not. */
export const WASI_FUNCTIONS: readonly string[] =
  'args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise random_get sched_yield sock_accept sock_recv sock_send sock_shutdown'.split(
    ' ',
  );

/** What the stubs need of the guest that calls them. */
export interface WasiSurroundings {
  readonly clock: Clock;
  memory(): ArrayBuffer;
  checkDeadline(): void;
}

/**
 * WASI without a world: no arguments, no environment, no files, no sockets; what is printed is lost. The time of day and
 * random numbers are given, for languages need them to start.
 */
export function wasiStubs(around: WasiSurroundings): Readonly<Record<string, unknown>> {
  const view = (): DataView => new DataView(around.memory());
  const twoZeros = (first: number, second: number): number => {
    view().setUint32(first, 0, true);
    view().setUint32(second, 0, true);
    return SUCCESS;
  };
  const given: Record<string, (...args: never[]) => unknown> = {
    args_sizes_get: twoZeros,
    environ_sizes_get: twoZeros,
    args_get: () => SUCCESS,
    environ_get: () => SUCCESS,
    sched_yield: () => SUCCESS,
    clock_res_get: (_clock: number, at: number) => {
      view().setBigUint64(at, 1_000_000n, true);
      return SUCCESS;
    },
    clock_time_get: (clock: number, _precision: bigint, at: number) => {
      if (clock > 1) return INVALID;
      const ms = clock === 0 ? around.clock.now() : around.clock.elapsed();
      view().setBigUint64(at, BigInt(Math.floor(ms)) * 1_000_000n, true);
      return SUCCESS;
    },
    random_get: (at: number, length: number) => {
      randomFillSync(new Uint8Array(around.memory(), at >>> 0, length >>> 0));
      return SUCCESS;
    },
    fd_write: (descriptor: number, from: number, count: number, at: number) => {
      if (descriptor !== 1 && descriptor !== 2) return BAD_DESCRIPTOR;
      view().setUint32(at, lengthOf(view(), from, count), true);
      return SUCCESS;
    },
    fd_prestat_get: () => BAD_DESCRIPTOR,
    proc_exit: (code: number) => {
      throw new GuestFailure('trap', `it ended itself with ${code}`);
    },
  };
  return Object.fromEntries(
    WASI_FUNCTIONS.map((name) => {
      const work = given[name] ?? (name.startsWith('fd_') ? () => BAD_DESCRIPTOR : () => NOT_SUPPORTED);
      return [
        name,
        (...args: never[]) => {
          around.checkDeadline();
          return work(...args);
        },
      ];
    }),
  );
}

/** Of the parts that are to be written together. */
function lengthOf(view: DataView, from: number, count: number): number {
  const parts = Math.min(count >>> 0, 1024);
  let bytes = 0;
  for (let at = 0; at < parts; at++) bytes += view.getUint32(from + at * 8 + 4, true);
  return bytes;
}
