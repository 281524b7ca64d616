import type { FastAnswer } from '../http/fast-path.ts';
import type { HttpApp } from '../http/listener.ts';
import type { SimpleRequest } from '../http/simple-request.ts';

/** A door with what lies behind it, opened. */
export interface OpenDoor {
  /** What the door knows by heart. */
  answer(request: SimpleRequest, connection: object): FastAnswer | undefined;
  register(app: HttpApp): void;
  /** Begins what is done from time to time; once the server listens. */
  start(): void;
  /** Ends it, and frees what was opened. */
  close(): Promise<void>;
}
