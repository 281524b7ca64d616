import { type Kind, text } from '../config/kinds.ts';

/** A URL or, without its scheme, host and port: `minio:9000`. */
export function endpoint(): Kind<string> {
  const url = text();
  return {
    expects: 'a URL that begins with http:// or https://, or a host and port such as minio:9000',
    schema: url.schema,
    parse(raw) {
      const written = url.parse(raw)?.replace(/\/+$/, '');
      if (written === undefined) return undefined;
      if (/^https?:\/\//i.test(written)) return URL.canParse(written) ? written : undefined;
      const isHost = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(written);
      return isHost && URL.canParse(`http://${written}`) ? written : undefined;
    },
  };
}

/** Without a scheme nobody said that it is to be unencrypted; but servers of this machine seldom speak TLS, and nobody listens there. */
export function withScheme(endpoint: string | undefined, allowHttp: boolean): string | undefined {
  if (endpoint === undefined || /^https?:\/\//i.test(endpoint)) return endpoint;
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::|$)/i.test(endpoint);
  return `${allowHttp || isHere ? 'http' : 'https'}://${endpoint}`;
}
