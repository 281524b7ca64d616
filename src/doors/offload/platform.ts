/** What a binary runs on, in Go's words: `linux`, `amd64`. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** This machine's, on whose disk the build server puts what it builds. */
export function hostPlatform(): Platform {
  const { platform, arch } = process;
  return { os: platform === 'win32' ? 'windows' : platform, arch: GO_ARCHITECTURES[arch] ?? arch };
}
