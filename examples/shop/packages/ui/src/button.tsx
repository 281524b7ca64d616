import { token } from '@shop/design-tokens';
import type { ComponentChildren } from 'preact';

interface ButtonProps {
  readonly children: ComponentChildren;
  /** Read out instead of the content, when that is too short to stand alone. */
  readonly label?: string;
  readonly onPress: () => void;
}

export function Button({ children, label, onPress }: ButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      onClick={onPress}
      style={{
        background: token('color-accent'),
        border: 'none',
        borderRadius: token('radius-pill'),
        color: token('color-accent-text'),
        padding: `${token('space-s')} ${token('space-m')}`,
      }}
    >
      {children}
    </button>
  );
}
