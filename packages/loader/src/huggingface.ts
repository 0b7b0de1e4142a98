// The parts of @huggingface/jinja that are used here, with types of our own: the package's declarations import each other
// without file extensions, which strict ESM resolution does not follow.
import * as jinja from '@huggingface/jinja';

/** A value of a running template: a string, a number, a list, or a map of such values. */
export interface TemplateValue {
  /** Its class, e.g. `StringValue`. */
  readonly type: string;
  readonly value: unknown;
}

/** A node of a parsed template. */
export interface TemplateStatement {
  readonly type: string;
}

declare const program: unique symbol;
/** A parsed template. */
interface TemplateProgram {
  readonly [program]: true;
}

export interface TemplateEnvironment {
  set(name: string, value: unknown): void;
}

interface TemplateInterpreter {
  run(program: TemplateProgram): TemplateValue;
  /** Called for the program, and from within for every statement and expression. */
  evaluate(statement: TemplateStatement | undefined, environment: TemplateEnvironment): TemplateValue;
}

interface Jinja {
  readonly Environment: new () => TemplateEnvironment;
  readonly Interpreter: new (environment: TemplateEnvironment) => TemplateInterpreter;
  tokenize(template: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }): readonly unknown[];
  parse(tokens: readonly unknown[]): TemplateProgram;
}

export const { Environment, Interpreter, tokenize, parse } = jinja as unknown as Jinja;
