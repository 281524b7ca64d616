/** What a part of the proxy lets its operator do over the admin socket. Whoever may open the socket may do it. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST';
  /** To the letter, such as `/bans`. */
  readonly path: string;
  /**
   * What it resolves to is answered as JSON.
   * @param body parsed JSON; `undefined` where the request has none
   * @throws VelocityError to be told as a problem
   */
  handle(body: unknown, query: URLSearchParams): Promise<object>;
}
