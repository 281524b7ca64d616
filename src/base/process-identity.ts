import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from './errors.ts';

/** Says which process something belongs to, in a form that a later process of the same pid does not have. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** When it began, in the kernel's ticks since boot; `''` where the system does not say. */
  readonly began: string;
}

export function thisProcess(): ProcessIdentity {
  return {
    host: thisHost(),
    pid: process.pid,
    began: beginOf(process.pid),
  };
}

/** This machine's name, in letters that may stand in the name of a file. */
export function thisHost(): string {
  return hostname().replaceAll(/[^A-Za-z0-9-]/g, '_') || '_';
}

/** `undefined`: it is of another machine, so nobody here can tell. */
export function isAlive({ host, pid, began }: ProcessIdentity): boolean | undefined {
  if (host !== thisHost()) return undefined;
  return isRunning(pid) && !hasEnded(pid) && (began === '' || beginOf(pid) === began);
}

export function formatIdentity({ host, pid, began }: ProcessIdentity): string {
  return `${host}.${pid}.${began}`;
}

export function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^([A-Za-z0-9_-]+)\.(\d{1,10})\.(\d*)$/.exec(text);
  return match ? { host: match[1] ?? '', pid: Number(match[2]), began: match[3] ?? '' } : undefined;
}

/** When it began, after its number: proc_pid_stat(5), field 22. */
function beginOf(pid: number): string {
  return statOf(pid)[19] ?? '';
}

/** Killed, and only its parent has not asked yet what became of it: field 3. It does nothing any more. */
function hasEnded(pid: number): boolean {
  return ['Z', 'X'].includes(statOf(pid)[0] ?? '');
}

/** The fields from the third on: what stands before is the program's name, which may hold anything. */
function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // gone, or a system without
  }
}

/** Whether a process of this machine has this pid now, be it another user's. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
