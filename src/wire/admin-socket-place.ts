/** Where a caching proxy's admin socket is when nobody says where: the proxy and the commands that watch it look here. */

export interface AdminFolder {
  readonly path: string;
  /** Whether it is for us to make and to keep to ourselves: it stands in a folder that others write to. */
  readonly isOurs: boolean;
}

const SOCKET_NAME = /^velocity-\d{1,5}\.sock$/;

/**
 * The first is where a proxy makes its socket. The others are where one may have that runs in another session, such as
 * a service.
 * @param uid of the user; `undefined` where the system has none
 */
export function adminFolders(
  env: NodeJS.ProcessEnv,
  uid: number | undefined,
): readonly [AdminFolder, ...AdminFolder[]] {
  const temp = withoutSlash(env['TMPDIR'] || '/tmp');
  const ours = { path: `${temp}/velocity-${uid ?? 'user'}`, isOurs: true };
  const runtime = env['XDG_RUNTIME_DIR'];
  // https://specifications.freedesktop.org/basedir-spec: a relative path is to be ignored; the folder is the user's alone.
  if (!runtime?.startsWith('/')) return [ours];
  return [{ path: withoutSlash(runtime), isOurs: false }, ours];
}

/** @param port on which the proxy takes requests */
export function adminSocketName(port: number): string {
  return `velocity-${port}.sock`;
}

export function isAdminSocketName(name: string): boolean {
  return SOCKET_NAME.test(name);
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
