// The key of an object that is none of its named properties: any other text of plain characters. Named ones are kept out
// by a trie of their characters; whoever leaves it is free, whoever ends in it must not stand on a name.
import type { GrammarBuilder, Part } from './grammar.js';
import { plain } from './json-text.js';
import { type CodeRange, character, subtract } from './utf8.js';

interface Node {
  readonly children: Map<number, Node>;
  isName: boolean;
}

/** At least one character, quotes included, no escapes. */
export function extraKey(builder: GrammarBuilder, names: readonly string[]): Part {
  const root: Node = { children: new Map(), isName: true };
  for (const name of names) {
    let node = root;
    for (const each of name) {
      const code = each.codePointAt(0) ?? 0;
      const next = node.children.get(code) ?? { children: new Map(), isName: false };
      node.children.set(code, next);
      node = next;
    }
    node.isName = true;
  }
  return (from) => {
    const end = builder.state();
    const free = builder.star(character(builder, plain))(builder.state());
    builder.link(builder.text('"')(free), end);
    const write = (node: Node, at: number): void => {
      const named = [...node.children.keys()].map((code): CodeRange => [code, code]);
      builder.link(character(builder, subtract(plain, named))(at), free);
      for (const [code, child] of node.children) {
        if (subtract([[code, code]], plain).length === 0)
          write(child, character(builder, [[code, code]])(at));
      }
      if (!node.isName) builder.link(builder.text('"')(at), end);
    };
    write(root, builder.text('"')(from));
    return end;
  };
}
