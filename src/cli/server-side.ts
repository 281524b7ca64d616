/**
 * The one file of the CLI that knows the server, and only by loading it when it is called:
 * `velocity run` starts without it. The linter refuses these imports everywhere else.
 */
export async function loadServerSide() {
  const [{ VelocityServer }, { loadServerSettings, SECRET_NAMES }, { serverSettings }, { openSentry }] =
    await Promise.all([
      import('../server/server.ts'),
      import('../server/load-settings.ts'),
      import('../server/settings.ts'),
      import('../server/open-sentry.ts'),
    ]);
  return { VelocityServer, loadServerSettings, SECRET_NAMES, serverSettings, openSentry };
}

/** The caching proxy alone, for `velocity proxy`. */
export async function loadProxySide() {
  const [{ ProxyServer }, { loadProxySettings, SECRET_NAMES }, { serverSettings }, { openSentry }] =
    await Promise.all([
      import('../server/proxy-server.ts'),
      import('../server/load-settings.ts'),
      import('../server/settings.ts'),
      import('../server/open-sentry.ts'),
    ]);
  return { ProxyServer, loadProxySettings, SECRET_NAMES, serverSettings, openSentry };
}

/** The build server alone, for `velocity build-server`. */
export async function loadBuildServerSide() {
  const [{ BuildServer }, { loadBuildServer, BUILD_SERVER_SECRETS }] = await Promise.all([
    import('../server/build-server.ts'),
    import('../server/load-build-server.ts'),
  ]);
  return { BuildServer, loadBuildServer, BUILD_SERVER_SECRETS };
}

/** The declarations alone, for `velocity config` and for flags in help texts. */
export async function loadServerSettingsSide() {
  const [
    { loadServerSettings, SECRET_NAMES },
    { serverSettings },
    { storeSettings },
    { mountSettings },
    { backendSettings },
  ] = await Promise.all([
    import('../server/load-settings.ts'),
    import('../server/settings.ts'),
    import('../storage/bucket-settings.ts'),
    import('../doors/files/mounts/mount-settings.ts'),
    import('../doors/proxy/backends/backend-settings.ts'),
  ]);
  return { loadServerSettings, SECRET_NAMES, serverSettings, storeSettings, mountSettings, backendSettings };
}

/** What signs URLs of the object gateway, for `velocity sign` and `velocity keygen`. */
export async function loadPresignSide() {
  const [
    { loadSigningSettings, SECRET_NAMES },
    { generatePresignKeys },
    presignedPath,
    { keyRefusal },
    { escapeUriPath },
    { FILES_BUCKET, parseFilePath },
  ] = await Promise.all([
    import('../server/load-settings.ts'),
    import('../auth/presign-keys.ts'),
    import('../auth/presigned-path.ts'),
    import('../storage/object-key.ts'),
    import('../storage/escape-uri.ts'),
    import('../files/file-path.ts'),
  ]);
  const { PRESIGNED_METHODS, signPath } = presignedPath;
  return {
    loadSigningSettings,
    SECRET_NAMES,
    generatePresignKeys,
    PRESIGNED_METHODS,
    signPath,
    keyRefusal,
    escapeUriPath,
    FILES_BUCKET,
    parseFilePath,
  };
}

/** The storage without a server around it, for `velocity cache`. */
export async function loadStorageSide() {
  const [
    { loadStorageSettings, SECRET_NAMES },
    settings,
    { openExistingStore },
    { prune },
    { verify },
    { parseObjectKey },
    { ownerOf },
    { readProvenance, PROVENANCE_METADATA },
  ] = await Promise.all([
    import('../server/load-settings.ts'),
    import('../storage/settings.ts'),
    import('../storage/open-store.ts'),
    import('../storage/prune.ts'),
    import('../storage/verify.ts'),
    import('../storage/object-key.ts'),
    import('../doors/build-cache/scoped-key.ts'),
    import('../wire/provenance.ts'),
  ]);
  return {
    loadStorageSettings,
    SECRET_NAMES,
    ...settings,
    openExistingStore,
    prune,
    verify,
    parseObjectKey,
    ownerOf,
    readProvenance,
    PROVENANCE_METADATA,
  };
}

/** The folder of files without a server around it, for `velocity files`. */
export async function loadFilesSide() {
  const [
    { loadStorageSettings, SECRET_NAMES },
    { filesSettings },
    { Folder },
    { openFiles },
    { dryRun, pruneFiles },
    { parseFilePath },
  ] = await Promise.all([
    import('../server/load-settings.ts'),
    import('../files/settings.ts'),
    import('../files/folder.ts'),
    import('../files/open-files.ts'),
    import('../files/prune-files.ts'),
    import('../files/file-path.ts'),
  ]);
  return {
    loadStorageSettings,
    SECRET_NAMES,
    filesSettings,
    Folder,
    openFiles,
    dryRun,
    pruneFiles,
    parseFilePath,
  };
}

/** What `velocity token` needs: the token file, without the server that reads it. */
export async function loadTokenFileSide() {
  const [{ PRESETS }, { LIMITED, spellLimit }, { addToken, listTokens, removeToken }] = await Promise.all([
    import('../auth/access.ts'),
    import('../auth/limits/token-limits.ts'),
    import('../auth/edit-token-file.ts'),
  ]);
  return { PRESETS, LIMITED, spellLimit, addToken, listTokens, removeToken };
}

/** A policy of the proxy without a proxy around it, for `velocity policy`. */
export async function loadPolicySide() {
  const [{ tryPolicy }, { POLICY_HOOKS }, { policySettings }] = await Promise.all([
    import('../doors/proxy/policy/try-policy.ts'),
    import('../doors/proxy/policy/policy.ts'),
    import('../doors/proxy/policy/settings.ts'),
  ]);
  return { tryPolicy, POLICY_HOOKS, policySettings };
}
