// What stops a template besides its limits.

/** The template's own refusal, through raise_exception. */
export class TemplateRefusal extends Error {}

/** What Jinja and Python refuse too: a syntax error, a call of something undefined, a sum of text and number. */
export class TemplateFault extends Error {}

/** A part of the language that is not here; the message names it. */
export class TemplateUnsupported extends Error {}
