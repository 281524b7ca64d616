/** What github.com/JYC11/velocity calls settings of the proxy in the environment, by our keys. Its flags are the command's. */
export const VELOCITY_NAMES = {
  'proxy.host': ['VELOCITY_HOST'],
  'proxy.port': ['VELOCITY_PORT'],
  'proxy.max_entries': ['VELOCITY_CACHE_MAX_CAPACITY'],
  'proxy.backend': ['VELOCITY_BACKEND'],
  'proxy.policy.path': ['VELOCITY_WASM_POLICY_PATH', 'VELOCITY_WASM_PATH'],
  'proxy.policy.pool_size': ['VELOCITY_POOL_SIZE'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
