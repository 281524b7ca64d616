import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchServer, BenchServers } from './http-load.ts';

export interface NginxOptions {
  /** Made where it is missing; it has `temp` in it for bodies. */
  readonly home: string;
  readonly port: number;
  /** What stands in `server`, but where it listens. */
  readonly server: string;
  /** What stands beside it in `http`. */
  readonly http?: string;
  readonly core?: number | 'all';
}

/** One process of nginx, as it is fastest: sendfile, open files kept, no log of requests. */
export function startNginx(
  servers: BenchServers,
  { home, port, server, http = '', core = 0 }: NginxOptions,
): Promise<BenchServer> {
  const temp = join(home, 'temp');
  mkdirSync(temp, { recursive: true });
  const file = join(home, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${join(home, 'nginx.pid')}; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 3600s;
  open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;
  client_body_temp_path ${temp}; proxy_temp_path ${temp};
  ${http}
  server { listen 127.0.0.1:${port}; ${server} }
}
`,
  );
  return servers.startProgram('nginx', ['-c', file, '-p', home], {}, `http://127.0.0.1:${port}`, core);
}
