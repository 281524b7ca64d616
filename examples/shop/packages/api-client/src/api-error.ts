/** The server answered, and the answer was no. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed a moment later. */
  get passing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}
