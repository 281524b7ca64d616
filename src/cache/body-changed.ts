import { VelocityError } from '../base/errors.ts';

/** The source has another body now than the one whose part was asked for; or none. */
export class BodyChanged extends VelocityError {
  constructor() {
    super('STORAGE_FAILED', 'The object changed while it was read.');
  }
}
