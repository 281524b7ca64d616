/**
 * Who wrote an artifact, when and from which commit: recorded with the object by the gateway, told to whoever finds
 * it. It explains and proves nothing: who can write to the bucket can write this.
 */
import { isTextMap } from './text-map.ts';

export interface Provenance {
  /** The id of the token that wrote; for a token of an OIDC issuer `issuer subject`. */
  readonly writer: string;
  /** When the upload was let in, by the gateway's clock: an ISO 8601 instant. */
  readonly written: string;
  /** What the writer had checked out; proven where a token's `sha` says it, else the client's word. */
  readonly commit?: string;
  /** Of the OIDC token that wrote, by name: which repository, branch and run. */
  readonly claims?: Readonly<Record<string, string>>;
}

/** The name of the metadata that holds it. One for all of it: beside the parts that are signed, others could be added. */
export const PROVENANCE_METADATA = 'provenance';

/** What is kept of a token's claims, the most telling first: GitHub's names, then GitLab's. */
const KEPT_CLAIMS = [
  ...['repository', 'repository_id', 'ref', 'sha', 'run_id', 'run_attempt', 'event_name', 'actor'],
  ...['workflow_ref', 'job_workflow_ref', 'environment'],
  ...[
    'project_path',
    'project_id',
    'pipeline_id',
    'pipeline_source',
    'job_id',
    'user_login',
    'ref_protected',
  ],
] as const;

/** As JSON. S3 takes 2 KiB of metadata in all, of which a digest and a signature need some. */
const MAX_CLAIMS_BYTES = 1024;
const MAX_WRITER_LENGTH = 512;

/** What a gateway knows of an upload it lets in. */
export interface Writing {
  readonly writer: string;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
  /** What the client says it has checked out. */
  readonly commit?: string | undefined;
  readonly claims?: Readonly<Record<string, string>> | undefined;
}

/** A commit's object name, shortened or whole. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/** As metadata: compact JSON in printable ASCII, below 2 KiB. */
export function provenanceMetadata({ writer, writtenAt, commit, claims = {} }: Writing): string {
  const { sha } = claims;
  const proven = sha !== undefined && isCommit(sha) ? sha : commit;
  const kept = keptClaims(claims);
  const provenance: Provenance = {
    writer: bounded(writer),
    written: new Date(writtenAt).toISOString(),
    ...(proven === undefined ? {} : { commit: proven }),
    ...(Object.keys(kept).length === 0 ? {} : { claims: kept }),
  };
  return asciiJson(provenance);
}

/** What an object's metadata says; `undefined` where it says nothing, or nothing that can be read. */
export function readProvenance(metadata: Readonly<Record<string, string>>): Provenance | undefined {
  try {
    return parseProvenance(JSON.parse(metadata[PROVENANCE_METADATA] ?? 'null'));
  } catch {
    return undefined; // written by another program
  }
}

/** Reads one off the wire. Writer and instant must be there; another part that is malformed is left out. */
export function parseProvenance(raw: unknown): Provenance | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { writer, written, commit, claims } = raw as Record<string, unknown>;
  if (typeof writer !== 'string' || typeof written !== 'string' || !isInstant(written)) return undefined;
  return {
    writer,
    written,
    ...(typeof commit === 'string' && isCommit(commit) ? { commit } : {}),
    ...(isTextMap(claims) ? { claims } : {}),
  };
}

/** In their order, each that still fits. */
function keptClaims(claims: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT_CLAIMS) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (value === undefined) continue;
    if (asciiJson({ ...kept, [name]: value }).length <= MAX_CLAIMS_BYTES) kept[name] = value;
  }
  return kept;
}

/** The longest beginning of a text that takes no more than its share as JSON. */
function bounded(writer: string): string {
  let text = writer.slice(0, MAX_WRITER_LENGTH);
  while (asciiJson(text).length > MAX_WRITER_LENGTH) text = text.slice(0, -1);
  return text;
}

/** Metadata is printable ASCII, and signers fold runs of blanks: both are escaped. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]| (?= )/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/.test(text);
}
