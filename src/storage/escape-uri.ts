/**
 * RFC 3986 unreserved characters stay, all others become `%XX`: the form over which S3 and GCS sign
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html,
 * https://cloud.google.com/storage/docs/authentication/canonical-requests).
 */
export function escapeUri(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Each part of a path; the slashes between them stay. */
export function escapeUriPath(path: string): string {
  return path.split('/').map(escapeUri).join('/');
}
