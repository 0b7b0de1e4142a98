// The keywords of JSON Schema (draft 2020-12, and what drafts 4 to 7 and OpenAPI spell otherwise) that can be held while
// a text is written, by the type that they are about. A keyword that is not here is an error: a schema that is followed in
// part is not followed.

/** They describe and do not restrict. `x-` keywords are taken as such too. */
const annotations = [
  ...['$schema', '$id', 'id', '$comment', '$anchor', '$defs', 'definitions', '$vocabulary'],
  ...['title', 'description', 'default', 'example', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['contentEncoding', 'contentMediaType', 'contentSchema', 'externalDocs', 'xml'],
];

export const keywordsOf = {
  object: [
    ...['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames'],
    ...['minProperties', 'maxProperties', 'unevaluatedProperties'],
  ],
  array: [
    ...['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
    ...['contains', 'minContains', 'maxContains', 'unevaluatedItems'],
  ],
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
} as const satisfies Record<string, readonly string[]>;

/** Schemas in the same place: what they say is joined. */
const applicators = ['$ref', 'allOf'] as const;
/** One of several schemas in the same place. */
export const choices = [
  ...['anyOf', 'oneOf', 'discriminator', 'not', 'if', 'then', 'else'],
  ...['dependentRequired', 'dependentSchemas', 'dependencies'],
];

const others = ['type', 'enum', 'const', 'nullable', ...applicators, ...choices];

const known: ReadonlySet<string> = new Set([...annotations, ...others, ...Object.values(keywordsOf).flat()]);
const describing: ReadonlySet<string> = new Set(annotations);

export function isKeyword(key: string): boolean {
  return known.has(key) || key.startsWith('x-');
}

export function isAnnotation(key: string): boolean {
  return describing.has(key) || key.startsWith('x-');
}
