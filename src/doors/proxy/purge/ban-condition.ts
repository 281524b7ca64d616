/** What a ban asks of a text of a stored response; `obj.http.` is followed by a field's name, in lower case. */
export type TextField = 'req.url' | 'req.host' | `obj.http.${string}`;

export type BanCondition =
  | {
      readonly kind: 'text';
      readonly field: TextField;
      readonly operator: '==' | '!=';
      readonly text: string;
    }
  /** As `Glob` reads it. */
  | {
      readonly kind: 'glob';
      readonly field: TextField;
      readonly operator: '~' | '!~';
      readonly glob: string;
    }
  | { readonly kind: 'status'; readonly operator: '==' | '!=' | '<' | '>'; readonly status: number }
  /** When the ban is made, however much later the response is looked at. */
  | { readonly kind: 'age'; readonly operator: '<' | '>'; readonly ageMs: number };

/** Which stored responses are banned: those for which all of it holds. Never empty. */
export type BanExpression = readonly BanCondition[];
