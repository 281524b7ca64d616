import { VelocityError } from '../../../../base/errors.ts';

/** @param reason without a period; whoever knows the file says its name */
export function moduleRefusal(reason: string): VelocityError {
  return new VelocityError('POLICY_INVALID', reason);
}
