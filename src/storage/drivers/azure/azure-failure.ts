import { RestError } from '@azure/storage-blob';
import { codeOrName, messageOf, VelocityError } from '../../../base/errors.ts';

/**
 * What an operator does about Azure's own words.
 * https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
 */
const HINTS: Readonly<Record<string, string>> = {
  AuthenticationFailed:
    'The key, SAS or token is wrong or has expired, or this machine’s clock is: check VC_AZURE_ACCOUNT with VC_AZURE_KEY, VC_AZURE_SAS or VC_AZURE_CONNECTION_STRING.',
  AuthorizationFailure:
    'The credentials or the network rules of the storage account do not allow this: check VC_AZURE_KEY, VC_AZURE_SAS or VC_AZURE_CONNECTION_STRING, and from where the account may be reached.',
  AuthorizationPermissionMismatch:
    'The SAS lacks a permission, or the identity a role: Storage Blob Data Contributor on the container, Storage Blob Delegator on the account.',
  AuthorizationProtocolMismatch: 'The SAS is for https alone: check VC_AZURE_ENDPOINT.',
  ContainerNotFound: 'The container does not exist: create it, or check VC_AZURE_CONTAINER.',
  KeyBasedAuthenticationNotPermitted:
    'The storage account takes no keys: leave VC_AZURE_KEY and VC_AZURE_CONNECTION_STRING out, and an identity is used.',
  ECONNREFUSED: 'Check VC_AZURE_ENDPOINT or VC_AZURE_CONNECTION_STRING.',
  ENOTFOUND: 'Check VC_AZURE_ACCOUNT, VC_AZURE_ENDPOINT or VC_AZURE_CONNECTION_STRING.',
};

/** The status Azure answered with; `undefined` where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** Azure's name for what went wrong. A reply to HEAD has no body and carries it in its header alone. */
export function azureCodeOf(error: unknown): string | undefined {
  if (!(error instanceof RestError)) return undefined;
  return error.response?.headers.get('x-ms-error-code') ?? error.code;
}

/**
 * Azure's errors become ours, once, here. They name the status, Azure's code and its id of the request. The SDK's error
 * is not their cause: it carries the request with its signature, and Azure's texts quote signatures.
 */
export function toFailure(doing: string, error: unknown): unknown {
  if (error instanceof VelocityError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const status = statusOf(error);
  if (status === undefined) return withoutAnswer(doing, error);
  const code = azureCodeOf(error) ?? 'error';
  const requestId = error instanceof RestError ? error.response?.headers.get('x-ms-request-id') : undefined;
  const isUnwell = status >= 500 || status === 429 || code === 'ContainerNotFound';
  return new VelocityError(
    isUnwell ? 'STORAGE_UNAVAILABLE' : 'STORAGE_FAILED',
    `Could not ${doing}: Azure answered ${status} ${code}${requestId ? ` (request ${requestId})` : ''}.${hintFor(code)}`,
  );
}

function withoutAnswer(doing: string, error: unknown): VelocityError {
  if (isCredentialError(error)) {
    // Why each kind of identity gave none is for the log: a message is also told to clients.
    const cause = new Error(messageOf(error));
    return new VelocityError(
      'STORAGE_UNAVAILABLE',
      `Could not ${doing}: the default Azure credential gave no token. Give this machine an identity, sign in with az login, or set VC_AZURE_KEY, VC_AZURE_SAS or VC_AZURE_CONNECTION_STRING. AZURE_LOG_LEVEL=info shows what was tried.`,
      { cause },
    );
  }
  const code = codeOrName(error);
  return new VelocityError(
    'STORAGE_UNAVAILABLE',
    `Could not ${doing}: Azure cannot be reached (${code}).${hintFor(code)}`,
  );
}

/** By name: the classes are of `@azure/identity`, which is loaded only where it is needed. */
function isCredentialError(error: unknown): boolean {
  const names = [
    'AggregateAuthenticationError',
    'AuthenticationError',
    'AuthenticationRequiredError',
    'CredentialUnavailableError',
  ];
  return error instanceof Error && names.includes(error.name);
}

function hintFor(code: string): string {
  const hint = HINTS[code];
  return hint === undefined ? '' : ` ${hint}`;
}
