export interface Interpolated {
  readonly text: string;
  /** Variables without a value or a default. */
  readonly unset: readonly string[];
  readonly mistakes: readonly string[];
}

const REFERENCE = /\$\$|\$\{([^}]*)(\}?)/g;
/** A reference inside a default would end at the wrong brace, so it is refused. */
const EXPRESSION = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)((?:(?!\$\{)[\s\S])*))?$/;

/**
 * Fills in `${VAR}`, `${VAR:-default}` and `${VAR:?message}`; `$$` is a dollar sign.
 * A `$` that opens no brace is left as it is, so shell commands keep their `$1` and `$(…)`.
 * As in a shell, `:-` and `:?` take an empty variable for an unset one.
 */
export function interpolate(text: string, env: NodeJS.ProcessEnv): Interpolated {
  const unset: string[] = [];
  const mistakes: string[] = [];
  const filled = text.replace(REFERENCE, (reference: string, body: string | undefined, close: string) => {
    if (body === undefined) return '$';
    const match = close === '}' ? EXPRESSION.exec(body) : null;
    if (!match) {
      mistakes.push(
        `"${reference}" is not \${VAR}, \${VAR:-default} or \${VAR:?message}; write $$ for a plain $`,
      );
      return reference;
    }
    const [, name = '', operator, operand = ''] = match;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined && (value !== '' || operator === undefined)) return value;
    if (operator === ':-') return operand;
    if (operator === ':?') mistakes.push(`${name} must be set${operand ? `: ${operand}` : ''}`);
    else unset.push(name);
    return '';
  });
  return { text: filled, unset, mistakes };
}

/** The variables that a text refers to, each once, in their order. */
export function variablesIn(text: string): string[] {
  const names = [...text.matchAll(REFERENCE)].flatMap(([, body, close]) => {
    const name = body !== undefined && close === '}' ? EXPRESSION.exec(body)?.[1] : undefined;
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)];
}
