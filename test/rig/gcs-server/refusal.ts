/** An answer that refuses; thrown by whoever finds the fault, written by the API that was asked. */
export class Refusal extends Error {
  readonly status: number;
  /** GCS's word for it: `<Code>` of the XML API, `reason` of the JSON API. */
  readonly code: string;

  constructor(status: number, code: string) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
  }
}
