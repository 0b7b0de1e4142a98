// What a template may cost. Templates are programs of unknown origin: what they loop over, write and hold is counted, and one
// that loops, recurses or grows beyond what a prompt can need is stopped.

/** A template is a few kilobytes, the longest in use (with tools) about twenty. */
export const maxTemplateLength = 262_144;
/** Characters of a rendered prompt or of anything on the way to it: a million tokens of text. */
const maxLength = 4_194_304;
/** Values within one list: the messages of a long conversation have a few thousand. */
const maxValues = 200_000;
/** Evaluations, rounds of loops, and what costs as much: about a second. A long conversation takes a tenth of it. */
const maxWork = 1_000_000;
/** Evaluations within each other; the most deeply nested templates in use have a few dozen. */
const maxDepth = 500;
/** Bits of an integer; templates count messages with them. */
const maxBits = 65_536;

/** Values that an operation goes through or makes for the cost of one evaluation; characters of a text. */
const valuesAStep = 32;
const charactersAStep = 128;

/** A limit that a template has passed; the message says which. */
export class TemplateLimit extends Error {}

/** The costs of one rendering, or of parsing. */
export class Budget {
  #work = 0;
  #depth = 0;

  /** @param work in evaluations. @throws TemplateLimit */
  charge(work: number): void {
    this.#work += work;
    if (this.#work > maxWork) throw new TemplateLimit(`at most ${maxWork} steps`);
  }

  /** Characters that an operation goes through or makes. @throws TemplateLimit */
  characters(count: number): void {
    this.length(count);
    this.charge(count / charactersAStep);
  }

  /** Characters of one text. @throws TemplateLimit */
  length(count: number): void {
    if (count > maxLength) throw new TemplateLimit(`at most ${maxLength} characters`);
  }

  /** Values that an operation goes through or makes. @throws TemplateLimit */
  values(count: number): void {
    if (count > maxValues) throw new TemplateLimit(`values of at most ${maxValues} parts`);
    this.charge(count / valuesAStep);
  }

  /** @throws TemplateLimit for an integer that would have more */
  bits(count: number): void {
    if (count > maxBits) throw new TemplateLimit(`integers of at most ${maxBits} bits`);
    this.charge(count / charactersAStep);
  }

  /** Begins an evaluation within another. An error ends the rendering, and with it the count. @throws TemplateLimit */
  enter(): void {
    this.#depth += 1;
    this.charge(1);
    if (this.#depth > maxDepth) throw new TemplateLimit(`at most ${maxDepth} evaluations within each other`);
  }

  leave(): void {
    this.#depth -= 1;
  }
}
