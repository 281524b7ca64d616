/**
 * How a policy may be broken: it trapped, ran into its deadline, said itself that it failed, made no decision that can
 * be understood, or was given a question larger than it can be.
 */
export type FailureKind = 'trap' | 'deadline' | 'error' | 'answer' | 'question';

export class GuestFailure extends Error {
  override readonly name = 'GuestFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
