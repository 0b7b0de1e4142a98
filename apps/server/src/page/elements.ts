// The page's elements by id, with their types: a page that lacks one fails at once.

export function element<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} #${id}`);
}

/** An element with text and class, for what is made as it comes. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { text = '', className = '' }: { text?: string; className?: string } = {},
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (text !== '') made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}
