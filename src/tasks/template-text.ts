/** One `{{ … }}`, whose quoted texts may hold braces. */
const OUTPUT = /\{\{(?:"[^"]*"|'[^']*'|(?!\}\})[^"'])*\}\}/g;

export function isTemplate(text: string): boolean {
  return text.includes("{{") || text.includes("{%");
}

/** A text that is one `{{ … }}` and nothing else: it yields the value itself. */
export function isWholeTemplate(text: string): boolean {
  return text !== "" && text.match(OUTPUT)?.[0] === text;
}

/** Tags (`{% if … %}`) divide a text in a way that only the template engine understands. */
export function hasTags(text: string): boolean {
  return text.replace(OUTPUT, "").includes("{%");
}

export interface TextPart {
  readonly template: boolean;
  readonly text: string;
}

/** A text without tags, divided into what is written and what is rendered. */
export function templateParts(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(OUTPUT)) {
    if (match.index > end) parts.push({ template: false, text: text.slice(end, match.index) });
    parts.push({ template: true, text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ template: false, text: text.slice(end) });
  return parts;
}
