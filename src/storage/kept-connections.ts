import type { AgentOptions } from 'node:http';

/**
 * How the HTTP agent of every driver keeps connections. A request that goes out while the backend closes its idle
 * connection fails, and a streamed body cannot be sent again; so we close first. Servers keep idle connections for
 * 5 s (Node, Apache) and more. With a limit of its own the agent also heeds a shorter one that a server announces
 * (`Keep-Alive: timeout=…`). It is for idle connections alone: an answer may take longer.
 */
export const KEPT_CONNECTIONS: AgentOptions = { keepAlive: true, timeout: 4_000 };
